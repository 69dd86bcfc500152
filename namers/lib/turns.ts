/** Turns: at most so many at a time, the others wait in line. */

interface Waiter {
  readonly go: () => void;
}

/** A queue in front of something that takes only so many at a time. */
export class Turns {
  readonly #capacity: number;
  #taken = 0;
  readonly #line = new Set<Waiter>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Whether somebody waits, so that whoever has a turn should make it short. */
  get contended(): boolean {
    return this.#line.size > 0;
  }

  /** How many have a turn now. */
  get taken(): number {
    return this.#taken;
  }

  /** Waits for a turn; what it gives ends it. Undefined, and no turn, if the signal aborts before. */
  take(signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    if (this.#taken < this.#capacity) return Promise.resolve(this.#begin());
    return new Promise((resolve) => {
      const leave = (): void => {
        this.#line.delete(waiter);
        resolve(undefined);
      };
      const waiter: Waiter = {
        go: () => {
          signal.removeEventListener("abort", leave);
          resolve(this.#begin());
        },
      };
      this.#line.add(waiter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #begin(): () => void {
    this.#taken++;
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.#taken--;
      const [next] = this.#line;
      if (next === undefined) return;
      this.#line.delete(next);
      next.go();
    };
  }
}
