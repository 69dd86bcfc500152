/** What a namer says about its source to `Discovery`, and what holds where it says nothing. */
import type { AgeBudget } from "./ages.ts";
import { defaultPanicThreshold } from "./sudden-loss.ts";
import type { Pace } from "./supervise.ts";

/** How much may happen at a time, by what is known of a name: unknown names never take the turns of known ones. */
export interface Limits {
  /** Rounds for names that have been found. */
  readonly found: number;
  /** First rounds. */
  readonly first: number;
  /** Rounds for names that the source does not know. */
  readonly absent: number;
  /** First rounds of names that nothing is remembered of. */
  readonly budget: { readonly perSecond: number; readonly burst: number };
  /** The least time between two rounds of a name that was found, and of one that was not. */
  readonly leastRoundMs: { readonly found: number; readonly absent: number };
}

/** What a namer says. */
export interface DiscoveryOptions<V> extends AgeBudget {
  /** The source in messages, such as `Consul at localhost:8500`. */
  readonly source: string;
  /** Without a time of their own, contended names wait as long as others, and lists are asked for once. */
  readonly pace: Pick<Pace, "waitMs" | "deadlineMs"> & Partial<Pace>;
  readonly limits: Pick<Limits, "found" | "first" | "absent"> & Partial<Limits>;
  /** What a name is when the first round of all fails: Linkerd 1's namers say that there is no such name. */
  readonly firstFailure: "absent" | "failed";
  /** How many addresses a value has; absent where none can be told from another. */
  readonly sizeOf?: (value: V) => number;
  /** The share of addresses, in percent, that an answer may take away at once; see `SuddenLoss`. */
  readonly panicThreshold?: number;
  /** What admin pages show of a value. */
  readonly show: (value: V) => unknown;
}

/** The options with nothing left open. */
export interface CompleteOptions<V> extends DiscoveryOptions<V> {
  readonly pace: Pace;
  readonly limits: Limits;
  readonly panicThreshold: number;
}

/** Fills in what a namer did not say. */
export const completeOptions = <V>(options: DiscoveryOptions<V>): CompleteOptions<V> => ({
  panicThreshold: defaultPanicThreshold,
  ...options,
  pace: {
    contendedWaitMs: options.pace.waitMs,
    relistMs: Number.POSITIVE_INFINITY,
    backoff: { minMs: 100, maxMs: 5_000 },
    ...options.pace,
  },
  limits: {
    budget: { perSecond: 100, burst: 1_000 },
    leastRoundMs: { found: 100, absent: 1_000 },
    ...options.limits,
  },
});
