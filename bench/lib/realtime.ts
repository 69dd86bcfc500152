/**
 * The real-time scheduler, for measurements of one part of what shares a machine: threads that are put there go before all
 * others, as if each of the others had a core of its own. Only root may.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Whether the measurement is to be one of those. */
const realtime = process.env["REALTIME"] === "1";

/** What a command begins with to go before all others. */
export const realtimeCommand: readonly string[] = realtime ? ["chrt", "-r", "1"] : [];

/** Puts the threads of a process there that have such a name. */
export function hurry(pid: number, which: (thread: string) => boolean = () => true): void {
  if (!realtime) return;
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    const name = readFileSync(`/proc/${pid}/task/${tid}/comm`, "utf8").trim();
    if (which(name)) execFileSync("chrt", ["-r", "-p", "1", tid]);
  }
}

/** Whether a thread is a worker of Pointsman's. */
export const isWorker = (thread: string): boolean => thread.startsWith("data ");
