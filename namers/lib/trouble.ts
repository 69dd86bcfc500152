/** Tells the log that a source is in trouble: a line when it begins, few while it lasts, and one when it is over. */
import type { Clock, Logger } from "../../plugins/contract.ts";

/** Names that come into trouble are told of no more often than this. */
const pauseMs = 30_000;

/** The names of one source whose last question went wrong; their number must not become the number of lines. */
export class Trouble {
  readonly #source: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #names = new Set<object>();
  #toldAt = Number.NEGATIVE_INFINITY;
  #most = 0;

  constructor(source: string, log: Logger, clock: Clock) {
    this.#source = source;
    this.#log = log;
    this.#clock = clock;
  }

  /** A question for a name went wrong. */
  add(key: object, name: string, error: Error, known: boolean): void {
    if (this.#names.has(key)) return;
    this.#names.add(key);
    this.#most = Math.max(this.#most, this.#names.size);
    const now = this.#clock.now();
    if (this.#names.size > 1 && now - this.#toldAt < pauseMs) return;
    this.#toldAt = now;
    this.#log.warn(
      `${this.#source} does not answer as it should${known ? "; what is known stays in use" : ""}`,
      { name, cause: error.message, names: this.#names.size },
    );
  }

  /** A name got its answer, or nobody wants it any more. */
  remove(key: object): void {
    if (!this.#names.delete(key) || this.#names.size > 0) return;
    this.#log.info(`${this.#source} has answered for every name that was in trouble`, { names: this.#most });
    this.#most = 0;
  }
}
