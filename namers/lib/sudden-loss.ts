/**
 * Doubt about an answer that takes most of a name's addresses away at once: a backend that lost its memory, or a token
 * its rights, says the same as one whose instances are gone. It is asked again, and believed when it keeps saying so.
 */
import type { Clock } from "../../plugins/contract.ts";

/** The share of addresses, in percent, that may go at once, unless the configuration says otherwise. */
export const defaultPanicThreshold = 50;

/** Smaller sets lose what they lose at once: one of two is no panic. */
const leastSize = 3;
/** So many further answers must say the same. */
const confirmations = 2;
/** How long before the source is asked again. */
const confirmMs = 2_000;

/** Whether more goes than may; `threshold` in percent, 100 is never too much. */
export const isSuddenLoss = (inUse: number, left: number, threshold: number): boolean =>
  inUse >= leastSize && left < inUse * (1 - threshold / 100);

/** What is held back of a name. */
export interface HeldLoss {
  readonly since: number;
  /** How many addresses are in use, and how many the source says are left. */
  readonly inUse: number;
  readonly left: number;
  /** Answers that said so, after the first. */
  readonly confirmed: number;
}

/** The doubt about one name. */
export class SuddenLoss {
  readonly #clock: Clock;
  readonly #threshold: number;
  #held: HeldLoss | undefined;

  constructor(threshold: number, clock: Clock) {
    this.#threshold = threshold;
    this.#clock = clock;
  }

  /** What is held back now. */
  get held(): HeldLoss | undefined {
    return this.#held;
  }

  /** An answer with so many addresses came: undefined if it counts, else after how many ms to ask again. */
  doubt(inUse: number, left: number): number | undefined {
    const confirmed = this.#held === undefined ? 0 : this.#held.confirmed + 1;
    if (!isSuddenLoss(inUse, left, this.#threshold) || confirmed >= confirmations) {
      this.#held = undefined;
      return undefined;
    }
    this.#held = { since: this.#held?.since ?? this.#clock.now(), inUse, left, confirmed };
    return confirmMs;
  }
}
