/** HTTP/1.1 requests have a `Host`, even if an identifier could do without. */
import type { Headers } from "../headers.ts";

/** Adds an empty `Host` to an HTTP/1.1 request that lacks it. */
export function ensureHost(headers: Headers, version: "1.0" | "1.1" | "2"): void {
  if (version === "1.1" && headers.first("host") === undefined) headers.set("host", "");
}
