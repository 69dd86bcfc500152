/**
 * The data workers: as many as configured, each started anew when it dies.
 *
 * A worker that dies is replaced at once, and every further time within a minute twice as late, up to half a minute.
 */
import type { Counter, Logger } from "../../plugins/contract.ts";
import type { WorkerHandle } from "./worker-handle.ts";

/** What a pool is made of. */
export interface WorkerPoolOptions {
  readonly size: number;
  /** Starts the thread of a place in the pool. */
  start(id: number): WorkerHandle;
  readonly log: Logger;
  readonly restarts: Counter;
}

/** Waits before a worker is started again: the first is short enough that nobody notices. */
const backoffMs = { first: 50, max: 30_000 };

/** A worker that lived this long is forgiven its earlier deaths. */
const steadyMs = 60_000;

/** How long a worker may take to get ready. */
const readyMs = 30_000;

interface Place {
  worker: WorkerHandle | undefined;
  ready: boolean;
  nextBackoffMs: number;
  timer: NodeJS.Timeout | undefined;
}

/** The data workers. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #places: Place[];
  #started = false;
  #ending = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.size }, () => ({
      worker: undefined,
      ready: false,
      nextBackoffMs: backoffMs.first,
      timer: undefined,
    }));
  }

  /** Starts all; rejects with the first failure, after ending what was started. */
  async start(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the workers did not get ready in ${readyMs} ms`)), readyMs);
    });
    try {
      const ready = this.#places.map((place, id) => this.#startPlace(place, id).ready);
      await Promise.race([Promise.all(ready), tooLate]);
      this.#started = true;
    } catch (cause) {
      await this.terminate();
      throw cause;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets every worker finish what is in flight, for `graceMs` at most, and starts none again. */
  async drain(graceMs: number): Promise<void> {
    this.#stop();
    await Promise.all(this.workers().map((worker) => worker.drain(graceMs)));
  }

  /** Ends every worker now. */
  async terminate(): Promise<void> {
    this.#stop();
    await Promise.all(this.workers().map((worker) => worker.terminate()));
  }

  /** The workers that run now. */
  workers(): readonly WorkerHandle[] {
    return this.#places.flatMap(({ worker }) => worker ?? []);
  }

  /** The worker of a place, while it runs. */
  worker(id: number): WorkerHandle | undefined {
    return this.#places[id]?.worker;
  }

  /** How many accept connections. */
  get readyCount(): number {
    return this.#places.filter(({ ready }) => ready).length;
  }

  #startPlace(place: Place, id: number): WorkerHandle {
    const worker = this.#options.start(id);
    place.worker = worker;
    const startedMs = performance.now();
    worker.ready.then(
      () => {
        place.ready = true;
        if (this.#started) this.#options.log.info("a worker was started again", { worker: id });
      },
      () => {}, // Its exit is seen below.
    );
    worker.exited.then((reason) => {
      place.worker = undefined;
      place.ready = false;
      if (!this.#started || this.#ending) return;
      if (performance.now() - startedMs >= steadyMs) place.nextBackoffMs = backoffMs.first;
      const waitMs = place.nextBackoffMs;
      place.nextBackoffMs = Math.min(waitMs * 2, backoffMs.max);
      this.#options.restarts.incr();
      this.#options.log.error("a worker died and is started again", { worker: id, cause: reason, waitMs });
      place.timer = setTimeout(() => this.#startPlace(place, id), waitMs);
    });
    return worker;
  }

  #stop(): void {
    this.#ending = true;
    for (const place of this.#places) clearTimeout(place.timer);
  }
}
