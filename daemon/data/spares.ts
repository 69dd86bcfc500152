/**
 * Objects that are used again. The one that was given back last comes first: it is still in the processor's caches, and who
 * has no use for one at the moment, as most connections, holds none.
 */

/** Spare objects of one kind, which a worker keeps up to `most` of. */
export class Spares<T> {
  readonly #make: () => T;
  readonly #most: number;
  readonly #free: T[] = [];

  constructor(most: number, make: () => T) {
    this.#most = most;
    this.#make = make;
  }

  /** One that nobody else uses; what its last user left in it is still there. */
  take(): T {
    return this.#free.pop() ?? this.#make();
  }

  /** Gives one back; it must not be touched afterwards. */
  give(object: T): void {
    if (this.#free.length < this.#most) this.#free.push(object);
  }
}
