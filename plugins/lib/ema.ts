/** The exponential moving average that aperture and success-rate accruals keep. */

/** An average over a window; stamps and window are in one unit, of time or of requests. */
export class Ema {
  readonly #window: number;
  #stamp: number | undefined;
  #value = 0;

  constructor(window: number) {
    this.#window = window;
  }

  /** Takes a value into account; the first one is taken as it is. */
  update(stamp: number, value: number): number {
    if (this.#stamp === undefined) {
      this.#value = value;
    } else {
      const kept = this.#window === 0 ? 0 : Math.exp(-Math.max(0, stamp - this.#stamp) / this.#window);
      this.#value = value * (1 - kept) + this.#value * kept;
    }
    this.#stamp = stamp;
    return this.#value;
  }

  /** Forgets everything. */
  reset(): void {
    this.#stamp = undefined;
    this.#value = 0;
  }
}
