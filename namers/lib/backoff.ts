/** How long to wait after a failure. */

/** The shortest and the longest wait. */
export interface BackoffRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/** The wait after the `attempt`th failure in a row (0 is the first): it doubles up to a cap, and half of it is chance. */
export const backoffMs = (attempt: number, { minMs, maxMs }: BackoffRange, random: () => number): number =>
  Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30)) * (0.5 + random() / 2);
