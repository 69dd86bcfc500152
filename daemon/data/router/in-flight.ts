/**
 * Requests in flight on one server, over all workers: each counts in its own cell of shared memory and reads the others'.
 * Two workers may both take the last free place in the same instant; the limit is exceeded by no more than that.
 */

/** One worker's view of the count; a worker that is started anew begins at 0. */
export class InFlight {
  readonly #counts: Int32Array;
  /** The cell of worker 0; the next one's is `#stride` further. */
  readonly #first: number;
  readonly #stride: number;
  readonly #own: number;

  constructor(counts: Int32Array, server: number, servers: number, worker: number) {
    this.#counts = counts;
    this.#first = server;
    this.#stride = servers;
    this.#own = worker * servers + server;
    counts[this.#own] = 0;
  }

  enter(): void {
    this.#counts[this.#own]!++;
  }

  leave(): void {
    this.#counts[this.#own]!--;
  }

  /** All workers' requests. */
  get total(): number {
    let total = 0;
    for (let at = this.#first; at < this.#counts.length; at += this.#stride)
      total += Atomics.load(this.#counts, at);
    return total;
  }
}
