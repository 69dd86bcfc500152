/**
 * Where an event enters a worker (a socket's callback, a timer, a message), what throws ends here: a bug fails the
 * request or the connection that met it and is logged, and everything else goes on.
 */
import type { Logger } from "../../plugins/contract.ts";
import { tick } from "./turn-clock.ts";

/** Lines of one kind that are logged in a second at most: a bug in every request must not fill a disk. */
const linesPerSecond = 10;

let log: Logger | undefined;
let second = 0;
let lines = 0;

/** Where this thread's bugs are logged. */
export function logBugsTo(logger: Logger): void {
  log = logger;
}

/** Tells of a bug; `where` names the event that met it. */
export function reportBug(where: string, thrown: unknown): void {
  const now = Math.floor(performance.now() / 1000);
  if (now !== second) {
    second = now;
    lines = 0;
  }
  if (++lines > linesPerSecond) return;
  const cause = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  log?.error("a bug was met", { where, cause });
}

/** A callback that cannot throw; `mend` ends what the bug left half done. */
export const guarded = (where: string, work: () => void, mend?: (thrown: unknown) => void) => (): void => {
  tick();
  try {
    work();
  } catch (thrown) {
    reportBug(where, thrown);
    mend?.(thrown);
  }
};
