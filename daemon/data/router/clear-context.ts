/** On a server that trusts nobody no `l5d-*` header comes in (`untrusted`, `clearContext`) or goes out (`clearContext`). */
import type { Headers } from "../headers.ts";

/** Every header of ours starts so. */
export const contextPrefix = "l5d-";

/** Removes from a request whatever could steer it, or a proxy behind; codecs let none of it pass in trailers. */
export function clearRequestContext(request: Headers): void {
  request.removePrefixed(contextPrefix);
  request.remove("dtab-local");
}

/**
 * Removes from an answer what tells of the inside; true if its body must not go out either, for it is an error's text.
 * Whoever sends it then sees to the framing: the length is 0.
 */
export function clearResponseContext(response: Headers): boolean {
  const isError = response.first("l5d-err") !== undefined;
  response.removePrefixed(contextPrefix);
  return isError;
}
