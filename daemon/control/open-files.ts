/**
 * Tells when the process is running out of file descriptors. At the limit the system takes connections from the queue
 * and closes them without telling anybody, so the daemon must look for itself; it accepts again as soon as it can.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Logger } from "../../plugins/contract.ts";

/** What is watched, and how often. */
export interface OpenFilesOptions {
  readonly everyMs?: number;
  readonly count?: () => number | undefined;
  readonly limit?: () => number;
}

/** Shares of the limit at which a warning is logged, and below which there can be another. */
const high = 0.95;
const low = 0.85;

/** Watches from now on; the returned function ends it. Where the system does not tell, nothing is watched. */
export function watchOpenFiles(log: Logger, options: OpenFilesOptions = {}): () => void {
  const { everyMs = 2000, count = openFiles, limit = fileLimit } = options;
  const most = limit();
  if (count() === undefined || most === 0) return () => {};
  let warned = false;
  const look = (): void => {
    const open = count() ?? most; // At the limit not even the list can be opened.
    if (!warned && open >= most * high) {
      warned = true;
      log.warn("file descriptors are nearly used up; connections beyond the limit are refused", {
        open,
        limit: most,
      });
    } else if (warned && open < most * low) {
      warned = false;
      log.info("there are file descriptors again", { open, limit: most });
    }
  };
  const timer = setInterval(look, everyMs).unref();
  return () => clearInterval(timer);
}

/** How many files, sockets included, the process has open; undefined where the system does not tell. */
export const openFiles = (): number | undefined => {
  try {
    return readdirSync("/proc/self/fd").length - 1; // The listing has one open itself.
  } catch {
    return undefined;
  }
};

/** How many it may have open; 0 where the system does not tell. */
export const fileLimit = (): number => {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return soft === undefined ? 0 : Number(soft);
  } catch {
    return 0;
  }
};
