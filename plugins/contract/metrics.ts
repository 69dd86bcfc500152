/** How a plugin measures: counters, gauges and distributions in a tree of scopes. */

/** A node of the metrics tree; closing it removes the whole subtree. */
export interface MetricsScope {
  /** A child scope; one element may contain `/`, as in `server/0.0.0.0/4140`. */
  scope(...elements: string[]): MetricsScope;
  /** A monotonic count; the same name gives the same counter. */
  counter(name: string): Counter;
  /** A value that goes up and down. */
  gauge(name: string): Gauge;
  /** A distribution; values in the unit of its name (`_ms`, `_us`, `_bytes`). */
  stat(name: string): Stat;
  /** What passes this place: `requests`, `success`, `pending` and `request_latency_ms`. */
  flow(): Flow;
  /** Ends every series below this scope. */
  close(): void;
}

/** A monotonic count. */
export interface Counter {
  incr(by?: number): void;
}

/** A value that goes up and down. */
export interface Gauge {
  set(value: number): void;
  add(delta: number): void;
}

/** Counts requests, or the like, from their beginning to their end. */
export interface Flow {
  begin(): void;
  /** One that had begun is over. */
  end(success: boolean, elapsedMs: number): void;
  /** One that had begun is over and is not counted, as nobody can say how it went. */
  drop(): void;
}

/** A distribution of non-negative values. */
export interface Stat {
  record(value: number): void;
}
