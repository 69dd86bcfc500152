/** Back-offs: sequences of waits, in milliseconds. */
import type { BackoffConfig } from "../../../config/schema.ts";
import type { Backoff, BackoffPolicy } from "../../../plugins/contract.ts";

/** No wait at all. */
export const noBackoff: BackoffPolicy = { start: () => ({ next: () => undefined }) };

/** Always the same wait; one sequence serves all, as it has no state. */
export function constantBackoff(ms: number): BackoffPolicy {
  const forever: Backoff = { next: () => ms };
  return { start: () => forever };
}

/** `startMs`, then each wait `multiplier` times the last, until `maxMs`. */
export const exponentialBackoff = (
  startMs: number,
  multiplier: number,
  maxMs = Number.POSITIVE_INFINITY,
): BackoffPolicy => stepping(startMs, maxMs, (ms) => ms * multiplier);

/** `startMs`, then each wait `offsetMs` longer than the last, until `maxMs`. */
export const linearBackoff = (
  startMs: number,
  offsetMs: number,
  maxMs = Number.POSITIVE_INFINITY,
): BackoffPolicy => stepping(startMs, maxMs, (ms) => ms + offsetMs);

/** `minMs`, then each wait uniform between the last one and three times that, below `maxMs` (decorrelated jitter). */
export const jitteredBackoff = (minMs: number, maxMs: number, random: () => number): BackoffPolicy =>
  stepping(minMs, maxMs, (ms) => ms + random() * (Math.min(maxMs, 3 * ms) - ms));

/** `startMs`, then half of the doubled wait and a random half on top; once it comes to `maxMs` it stays there. */
export const equalJitteredBackoff = (
  startMs: number,
  maxMs: number,
  random: () => number,
): BackoffPolicy => ({
  start() {
    let half = startMs;
    let begun = false;
    return {
      next() {
        if (!begun) {
          begun = true;
          return startMs;
        }
        const ms = half + random() * half;
        if (half >= maxMs || ms >= maxMs) {
          half = maxMs;
          return maxMs;
        }
        half *= 2;
        return ms;
      },
    };
  },
});

/** One policy after the other; a part that never ends is the last to be heard. */
export const concatBackoff = (...parts: readonly BackoffPolicy[]): BackoffPolicy => ({
  start() {
    let part = 0;
    let current = parts[0]?.start();
    return {
      next() {
        while (current !== undefined) {
          const ms = current.next();
          if (ms !== undefined) return ms;
          current = parts[++part]?.start();
        }
        return undefined;
      },
    };
  },
});

/** The first `count` waits of a policy. */
export const takeBackoff = (policy: BackoffPolicy, count: number): BackoffPolicy => ({
  start() {
    const whole = policy.start();
    let left = count;
    return { next: () => (left-- > 0 ? whole.next() : undefined) };
  },
});

/** A `backoff` block; the schema has seen to its bounds, except that minMs must not be above maxMs. */
export function createBackoff(config: BackoffConfig, random: () => number): BackoffPolicy {
  switch (config.kind) {
    case "constant":
      return constantBackoff(config.ms);
    case "jittered":
      if (config.minMs > config.maxMs)
        throw new RangeError(`minMs ${config.minMs} is above maxMs ${config.maxMs}`);
      return jitteredBackoff(config.minMs, config.maxMs, random);
  }
}

/** Waits between retries unless the file says otherwise: none, for ever. */
export const defaultRetryBackoff: BackoffPolicy = constantBackoff(0);

/** How long endpoints are left out unless the file says otherwise. */
export const defaultAccrualBackoff = (random: () => number): BackoffPolicy =>
  equalJitteredBackoff(5000, 300_000, random);

function stepping(startMs: number, maxMs: number, step: (ms: number) => number): BackoffPolicy {
  return {
    start() {
      let nextMs = Math.min(startMs, maxMs);
      return {
        next() {
          const ms = nextMs;
          nextMs = Math.min(step(ms), maxMs);
          return ms;
        },
      };
    },
  };
}
