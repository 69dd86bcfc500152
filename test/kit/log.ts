/** A log that tests can read. */
import type { Logger } from "../../plugins/contract.ts";

/** A log with the lines that it was given, each with its level. */
export interface RecordedLog extends Logger {
  readonly lines: readonly string[];
}

/** Makes one. */
export function recordedLog(): RecordedLog {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
