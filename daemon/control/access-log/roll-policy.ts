/** When an access log rolls over, and what the rolled file is called (Linkerd 1's httpAccessLogRollPolicy). */

/** A policy; times are the local zone's. */
export interface RollPolicy {
  /** When a file that was opened at this time is due, in milliseconds since the epoch; undefined: never by time. */
  dueAt(openedMs: number): number | undefined;
  /** Most bytes of a file. */
  readonly maxBytes: number;
  /** What comes between the base and the extension of a rolled file. */
  suffix(openedMs: number): string;
  /** SIGHUP opens the file anew, for whoever has moved it away. */
  readonly reopens: boolean;
}

const units: Readonly<Record<string, number>> = {
  byte: 1,
  kilobyte: 1024,
  megabyte: 1024 ** 2,
  gigabyte: 1024 ** 3,
  terabyte: 1024 ** 4,
  petabyte: 1024 ** 5,
};

/** A checked policy's text in lower case: `never`, `hourly`, `daily`, `weekly(1)`, `sighup` or `3.megabytes`. */
export function readRollPolicy(text: string): RollPolicy {
  const never = {
    dueAt: () => undefined,
    maxBytes: Number.POSITIVE_INFINITY,
    suffix: daySuffix,
    reopens: false,
  };
  if (text === "sighup") return { ...never, reopens: true };
  if (text === "hourly") return { ...never, dueAt: nextHour, suffix: hourSuffix };
  if (text === "daily") return { ...never, dueAt: (ms) => nextDay(ms, undefined) };
  const week = /^weekly\((\d)\)$/.exec(text);
  if (week !== null) return { ...never, dueAt: (ms) => nextDay(ms, Number(week[1]) - 1) };
  const size = /^(\d+)\.(\w+?)s?$/.exec(text);
  if (size === null) return never;
  return { ...never, maxBytes: Number(size[1]) * units[size[2]!]!, suffix: secondSuffix };
}

function nextHour(ms: number): number {
  const at = new Date(ms);
  return new Date(at.getFullYear(), at.getMonth(), at.getDate(), at.getHours() + 1).getTime();
}

/** The next midnight; with a weekday (0 is Sunday) the one that begins it. */
function nextDay(ms: number, weekday: number | undefined): number {
  const at = new Date(ms);
  const days = weekday === undefined ? 1 : ((weekday - at.getDay() + 6) % 7) + 1;
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + days).getTime();
}

const two = (value: number): string => String(value).padStart(2, "0");

function daySuffix(ms: number): string {
  const at = new Date(ms);
  return `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
}

const hourSuffix = (ms: number): string => `${daySuffix(ms)}-${two(new Date(ms).getHours())}`;

function secondSuffix(ms: number): string {
  const at = new Date(ms);
  return `${hourSuffix(ms)}${two(at.getMinutes())}${two(at.getSeconds())}`;
}
