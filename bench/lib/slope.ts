/** How fast something grows, by the medians of Theil and Sen: what is out of line now and then does not move it. */

/** Growth per hour. */
export interface Slope {
  readonly median: number;
  /** Between these it lies, with 95 %, if samples do not depend on each other; memory that swings does. */
  readonly low: number;
  readonly high: number;
}

/** The slope of a column of samples, each with its time. */
export function slope<T extends { readonly seconds: number }>(
  samples: readonly T[],
  column: (sample: T) => number,
): Slope {
  const slopes: number[] = [];
  for (const [at, early] of samples.entries()) {
    for (const late of samples.slice(at + 1)) {
      slopes.push(((column(late) - column(early)) / (late.seconds - early.seconds)) * 3600);
    }
  }
  slopes.sort((x, y) => x - y);
  const many = samples.length;
  const spread = 1.96 * Math.sqrt((many * (many - 1) * (2 * many + 5)) / 18);
  const at = (rank: number): number =>
    slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(rank)))] ?? 0;
  return {
    median: at(slopes.length / 2),
    low: at((slopes.length - spread) / 2),
    high: at((slopes.length + spread) / 2),
  };
}
