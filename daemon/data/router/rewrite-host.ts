/** The `Host` of a bound address that carries an `authority`, and the way back in the answer. */
import type { Headers } from "../headers.ts";

/** Sets `Host` to the authority; what the caller had there, for `restoreHost`. */
export function rewriteHost(request: Headers, authority: string): string | undefined {
  const original = request.first("host");
  request.set("host", authority);
  return original;
}

/** Puts the caller's host back wherever `Location` and `Refresh` name the authority. */
export function restoreHost(response: Headers, authority: string, original: string | undefined): void {
  if (original === undefined) return;
  replaceIn(response, "location", authority, original);
  replaceIn(response, "refresh", authority, original);
}

function replaceIn(response: Headers, name: string, authority: string, original: string): void {
  const value = response.first(name);
  if (value?.includes(authority))
    response.set(
      name,
      value.replaceAll(authority, () => original),
    );
}
