/** Heads and trailers as HTTP/1.1 writes them. */
import type { ResponseHead } from "../../exchange-streams.ts";
import type { Headers } from "../../headers.ts";
import { FieldBlock } from "./field-block.ts";

/** The status line, CRLF included. */
export const statusLine = (head: ResponseHead): string =>
  head.status === 200 && head.reason === "OK"
    ? "HTTP/1.1 200 OK\r\n"
    : `HTTP/1.1 ${head.status} ${head.reason}\r\n`;

/** A header section, each field with its CRLF. */
export function showFields(headers: Headers): string {
  if (headers instanceof FieldBlock) return headers.show();
  let text = "";
  for (const [name, value] of headers.entries()) text += name + ": " + value + "\r\n";
  return text;
}

/**
 * Trailer fields that may go on: what frames, routes, authenticates or controls a message has no business behind it
 * (RFC 9110 §6.5.1).
 */
export function showTrailers(trailers: Headers): string {
  let text = "";
  for (const [name, value] of trailers.entries()) {
    const lower = name.toLowerCase();
    if (!forbiddenTrailers.has(lower) && !lower.startsWith("l5d-")) text += name + ": " + value + "\r\n";
  }
  return text;
}

const forbiddenTrailers = new Set([
  "content-length",
  "transfer-encoding",
  "host",
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "max-forwards",
  "via",
  "authorization",
  "proxy-authorization",
  "proxy-authenticate",
  "www-authenticate",
  "cookie",
  "set-cookie",
  "content-encoding",
  "content-type",
  "content-range",
  "range",
  "cache-control",
  "age",
  "expires",
  "date",
  "location",
  "retry-after",
  "vary",
  "pragma",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
  "forwarded",
  "x-forwarded-for",
  "dtab-local",
  "x-forwarded-client-cert",
]);
