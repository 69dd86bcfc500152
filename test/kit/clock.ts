/** A clock that a test moves by hand. */
import type { Clock } from "../../plugins/contract.ts";

/** A clock that stands still until `advance`. */
export interface FakeClock extends Clock {
  /** Moves on by `ms`, waking every sleeper in the order of its time, and lets all that follows from it happen. */
  advance(ms: number): Promise<void>;
  /** How many sleep now. */
  readonly sleepers: number;
}

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** A clock that begins at `startMs`. */
export function fakeClock(startMs = 1_700_000_000_000): FakeClock {
  let now = startMs;
  const sleepers = new Set<Sleeper>();
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = (): void => {
        sleepers.delete(sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper: Sleeper = { until: now + Math.max(ms, 0), wake };
      sleepers.add(sleeper);
      signal?.addEventListener("abort", wake);
    });
  const next = (end: number): Sleeper | undefined => {
    let first: Sleeper | undefined;
    for (const sleeper of sleepers) {
      if (sleeper.until <= end && (first === undefined || sleeper.until < first.until)) first = sleeper;
    }
    return first;
  };
  return {
    now: () => now,
    sleep,
    get sleepers() {
      return sleepers.size;
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (let sleeper = next(end); sleeper !== undefined; sleeper = next(end)) {
        now = Math.max(now, sleeper.until);
        sleeper.wake();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}

/** Lets promise callbacks and finished I/O of this turn run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** The real time, for tests that watch real files. */
export const realClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done);
    }),
};

/** The real time, so many times as fast: for deadlines over real connections. */
export function fastClock(times: number): Clock {
  const start = Date.now();
  return {
    now: () => start + (Date.now() - start) * times,
    sleep: (ms, signal) => realClock.sleep(ms / times, signal),
  };
}
