/** `Forwarded` (RFC 7239) in the form that Linkerd 1 gives it. */

/** The value for HTTP/1: the scheme is known only of an absolute target. */
export function forwardedValue(
  by: string,
  from: string,
  host: string | undefined,
  scheme: string | undefined,
): string {
  let value = `by=${by};for=${from}`;
  if (host !== undefined) value += `;host=${quoteIfNeeded(host)}`;
  if (scheme !== undefined) value += `;proto=${scheme}`;
  return value;
}

/** The value for HTTP/2. */
export const forwardedValueH2 = (by: string, from: string, authority: string, scheme: string): string =>
  `by=${by};for=${from};authority=${quoteIfNeeded(authority)};proto=${scheme}`;

/** What could pass for the end of the value or for another parameter; a caller's Host must not add a `for=`. */
const needsQuotes = /[;,="\\\s]/;

const quoteIfNeeded = (text: string): string =>
  needsQuotes.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;
