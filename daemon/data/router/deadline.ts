/** `l5d-ctx-deadline`: when a request was made and when its answer stops mattering, in nanoseconds since the epoch. */
import type { Headers } from "../headers.ts";

const header = "l5d-ctx-deadline";

/** A deadline; passed on, and enforced where a server says so (`enforceDeadline`). */
export interface Deadline {
  readonly timestampNs: bigint;
  readonly deadlineNs: bigint;
}

const nsPerMs = 1_000_000n;

/** Takes the caller's deadline off a request; several values make the strictest. Values that are none are ignored. */
export function takeDeadline(headers: Headers): Deadline | undefined {
  const values = headers.all(header);
  let deadline: Deadline | undefined;
  for (let at = 0; at < values.length; at++) deadline = strictest(deadline, readDeadline(values[at]!));
  // A header of which nothing could be read is somebody else's, and travels on.
  if (deadline !== undefined) headers.remove(header);
  return deadline;
}

/** Passes a deadline on. */
export function writeDeadline(headers: Headers, deadline: Deadline | undefined): void {
  if (deadline !== undefined) headers.set(header, showDeadline(deadline));
}

/** The latest timestamp and the earliest deadline. */
export function strictest(a: Deadline | undefined, b: Deadline | undefined): Deadline | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  const later = a.timestampNs > b.timestampNs ? a : b;
  const earlier = a.deadlineNs < b.deadlineNs ? a : b;
  return { timestampNs: later.timestampNs, deadlineNs: earlier.deadlineNs };
}

/** The deadline that a timeout sets. */
export const deadlineOf = (nowMs: number, timeoutMs: number): Deadline => ({
  timestampNs: BigInt(Math.floor(nowMs)) * nsPerMs,
  deadlineNs: BigInt(Math.floor(nowMs + timeoutMs)) * nsPerMs,
});

/** How long it is until a deadline, in whole milliseconds; 0 or less: it has passed. */
export const msUntil = ({ deadlineNs }: Deadline, nowMs: number): number =>
  Number(deadlineNs / nsPerMs) - Math.floor(nowMs);

/** `<timestamp> <deadline>`. */
export const showDeadline = ({ timestampNs, deadlineNs }: Deadline): string => `${timestampNs} ${deadlineNs}`;

const twoNumbers = /^([+-]?\d{1,19}) ([+-]?\d{1,19}) *$/;

/** Reads one value; undefined for what is not two 64-bit numbers with one space between. */
export function readDeadline(value: string): Deadline | undefined {
  const found = twoNumbers.exec(value);
  if (found === null) return undefined;
  const timestampNs = readLong(found[1]!);
  const deadlineNs = readLong(found[2]!);
  return timestampNs === undefined || deadlineNs === undefined ? undefined : { timestampNs, deadlineNs };
}

function readLong(text: string): bigint | undefined {
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
