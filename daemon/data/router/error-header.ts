/** The value of `l5d-err`, and the limits of what an error says. */

const escapes: string[] = [];
for (let code = 0; code < 256; code++) {
  const char = String.fromCharCode(code);
  escapes.push(
    code === 0x20
      ? "+"
      : /[0-9A-Za-z.*_-]/.test(char)
        ? char
        : `%${code.toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
const unknownChar = escapes[0x3f]!; // "?", as ISO-8859-1 has it for what it cannot say

/** A message form-encoded in ISO-8859-1, at most `maxChars` long; no escape is cut in two. */
export function encodeError(message: string, maxChars: number): string {
  let value = "";
  for (let at = 0; at < message.length; at++) {
    const code = message.charCodeAt(at);
    const part = escapes[code] ?? unknownChar;
    if (isHighSurrogate(code) && at + 1 < message.length) at++;
    if (value.length + part.length > maxChars) break;
    value += part;
  }
  return value;
}

const isHighSurrogate = (code: number): boolean => (code & 0xfc00) === 0xd800;

/** What other fields of an error response may need of the header section. */
const roomForOtherFields = 512;

/**
 * How long `l5d-err` may be on a router with this `maxHeadersKB`. Linkerd 1 lets it take all of it, so that the next
 * hop, which has the same limit, refuses the whole answer.
 */
export const errorHeaderLimit = (maxHeadersKB: number): number => maxHeadersKB * 1024 - roomForOtherFields;

/** The body of an error, at most `maxErrResponseKB` kilobytes of characters. */
export const limitErrorBody = (text: string, maxErrResponseKB: number): string =>
  text.slice(0, maxErrResponseKB * 1024);
