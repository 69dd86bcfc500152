/** Waits that follow one another. */

/** Waits, one after another. */
export interface Backoff {
  /** The next wait in milliseconds; undefined once there are no more. */
  next(): number | undefined;
}

/** Makes sequences of waits; every sequence begins anew. */
export interface BackoffPolicy {
  start(): Backoff;
}
