/**
 * Headers that belong to one connection (RFC 9110 7.6.1) and end there, on requests and on responses.
 *
 * Linkerd 1 looked only at the first `Connection` field and let `Keep-Alive` and `Proxy-Connection` pass; here every
 * field counts and neither passes.
 */
import type { Headers } from "../headers.ts";

/** The names, in lower case. */
export const hopByHopNames: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What `Connection` may name without effect: without these a message would mean something else. */
const endToEndNames: ReadonlySet<string> = new Set(["host", "content-length", "content-type", "date"]);

/** The names to remove that values of `Connection` list, in lower case; empty elements are skipped. */
export function connectionNames(values: readonly string[]): readonly string[] {
  const names: string[] = [];
  for (const value of values) {
    for (const element of value.split(",")) {
      const name = element.trim().toLowerCase();
      if (name !== "" && !endToEndNames.has(name)) names.push(name);
    }
  }
  return names;
}

/** Removes them all, and whatever `Connection` names. */
export function stripHopByHop(headers: Headers): void {
  for (const name of connectionNames(headers.all("connection"))) headers.remove(name);
  for (const name of hopByHopNames) headers.remove(name);
}
