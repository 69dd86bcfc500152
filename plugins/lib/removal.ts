/** How long a dead endpoint is left out: a back-off that begins anew once the endpoint is back. */
import type { Backoff, BackoffPolicy } from "../contract.ts";

/** Follows a back-off that has come to its end. */
const afterTheLastMs = 300_000;

/** The waits of one endpoint. */
export interface Removal {
  next(): number;
  reset(): void;
}

/** Waits of a policy, without end. */
export function createRemoval(policy: BackoffPolicy): Removal {
  let waits: Backoff | undefined;
  return {
    next() {
      waits ??= policy.start();
      return waits.next() ?? afterTheLastMs;
    },
    reset() {
      waits = undefined;
    },
  };
}
