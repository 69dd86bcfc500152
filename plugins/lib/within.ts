/** Waiting for a result no longer than so long. */
import type { Clock } from "../contract.ts";

/** The result of `work`, or the error once `ms` have passed. */
export async function within<T>(work: Promise<T>, ms: number, clock: Clock, late: () => Error): Promise<T> {
  const over = new AbortController();
  const deadline = clock.sleep(ms, over.signal).then((): T | Promise<T> => {
    // The work came first, and nobody listens any more.
    if (over.signal.aborted) return new Promise<T>(() => {});
    throw late();
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    over.abort();
  }
}
