/** `Via`: what this hop calls itself, by the version of the message (RFC 9110 §7.6.3). */
import type { Headers } from "../headers.ts";

/** What it adds to the value. */
const ownVia = { "1.0": "1.0 linkerd", "1.1": "1.1 linkerd", "2": "h2 linkerd" } as const;

/** The whole field of a message that had none, with its CRLF. */
export const ownViaField = {
  "1.0": `via: ${ownVia["1.0"]}\r\n`,
  "1.1": `via: ${ownVia["1.1"]}\r\n`,
  "2": `via: ${ownVia["2"]}\r\n`,
} as const;

/** Adds this hop to a message, behind those of its first `Via`; further fields of that name are dropped. */
export function addVia(headers: Headers, version: keyof typeof ownVia): void {
  if (!headers.mayHaveVia) {
    headers.appendText(ownViaField[version]);
    return;
  }
  const before = headers.first("via");
  headers.set(
    "via",
    before === undefined || before === "" ? ownVia[version] : `${before}, ${ownVia[version]}`,
  );
}
