/** The text of an address file of `io.l5d.fs`: a line `host port`, or `host port * weight`, for each address. */

/** One address as it is written. */
export interface AddressLine {
  readonly host: string;
  readonly port: number;
  readonly weight: number | undefined;
}

/** All addresses, or the first line that is none. */
export type AddressFile =
  | { readonly tag: "ok"; readonly lines: readonly AddressLine[] }
  | { readonly tag: "bad"; readonly line: number; readonly problem: string };

const number = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/** Reads the text; `#` begins a comment, and one bad line spoils the file. */
export function readAddressFile(text: string): AddressFile {
  const lines: AddressLine[] = [];
  for (const [i, raw] of text.split("\n").entries()) {
    const [line = ""] = raw.split("#");
    if (line.trim() === "") continue;
    const read = readLine(line.trim().split(/\s+/));
    if (typeof read === "string") return { tag: "bad", line: i + 1, problem: read };
    lines.push(read);
  }
  return { tag: "ok", lines };
}

function readLine([host = "", port, star, weight, ...more]: readonly string[]): AddressLine | string {
  if (port === undefined) return `expected "host port" or "host port * weight", got ${JSON.stringify(host)}`;
  if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    return `expected a port from 1 to 65535, got ${JSON.stringify(port)}`;
  }
  if (star === undefined) return { host, port: Number(port), weight: undefined };
  if (star !== "*") return `expected "*" and a weight after the port, got ${JSON.stringify(star)}`;
  if (weight === undefined || !number.test(weight))
    return `expected a weight after "*", got ${JSON.stringify(weight ?? "")}`;
  if (more.length > 0) return `unexpected ${JSON.stringify(more.join(" "))} after the weight`;
  return { host, port: Number(port), weight: Number(weight) };
}
