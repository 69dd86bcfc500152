/** How a telemeter reads what all planes measure. */

/** Reads the series of all planes, summed over the workers. */
export interface MetricsReader {
  series(): Iterable<MetricSeries>;
}

/** One series with its value now. */
export type MetricSeries =
  | {
      readonly type: "counter";
      readonly scopes: readonly string[];
      readonly name: string;
      readonly value: number;
    }
  | {
      readonly type: "gauge";
      readonly scopes: readonly string[];
      readonly name: string;
      readonly value: number;
    }
  | {
      readonly type: "stat";
      readonly scopes: readonly string[];
      readonly name: string;
      /** Since the series began. */
      readonly total: { readonly count: number; readonly sum: number };
      /** The last closed snapshot interval; undefined before the first. */
      readonly snapshot: StatSummary | undefined;
    };

/** A closed interval of a distribution. */
export interface StatSummary {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly avg: number;
  /** Keys `0.5`, `0.9`, `0.95`, `0.99`, `0.999`, `0.9999`. */
  readonly quantiles: Readonly<Record<string, number>>;
}
