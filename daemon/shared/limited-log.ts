/** A logger for what a request can set off: so many lines in a while, then one that tells how many were left out. */
import type { Clock, Logger } from "../../plugins/contract.ts";

/** How much is let through. */
export interface LogLimit {
  readonly lines: number;
  readonly everyMs: number;
}

/** Debug lines pass; they are asked for by whoever wants all of them. */
export function limitLog(log: Logger, clock: Clock, { lines, everyMs }: LogLimit): Logger {
  let since = Number.NEGATIVE_INFINITY;
  let written = 0;
  const limited =
    (level: "info" | "warn" | "error"): Logger["info"] =>
    (message, fields) => {
      const now = clock.now();
      if (now - since >= everyMs) {
        if (written > lines) log.warn("lines were left out", { lines: written - lines });
        since = now;
        written = 0;
      }
      written++;
      if (written <= lines) log[level](message, fields);
    };
  return {
    debug: (message, fields) => log.debug(message, fields),
    info: limited("info"),
    warn: limited("warn"),
    error: limited("error"),
  };
}
