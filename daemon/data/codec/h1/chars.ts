/** Character classes of HTTP/1.1 as lookup tables over bytes. */

const table = (test: (byte: number) => boolean): Uint8Array => {
  const bytes = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) bytes[byte] = test(byte) ? 1 : 0;
  return bytes;
};

const among = (text: string) => (byte: number) => text.includes(String.fromCharCode(byte));
const alphaNumeric = (byte: number) =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

/** `tchar`: methods and field names (RFC 9110 §5.6.2). */
export const tokenChars = table((byte) => alphaNumeric(byte) || among("!#$%&'*+-.^_`|~")(byte));

/** Bytes of a field value: HTAB, SP, VCHAR and obs-text; every other control is refused (RFC 9110 §5.5). */
export const valueChars = table((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f));

/** Bytes of a request target: no controls, no space, no fragment (RFC 9112 §3.2); raw bytes above 0x7f pass as they are. */
export const targetChars = table((byte) => byte > 0x20 && byte !== 0x7f && byte !== 0x23);

/** Bytes of a host: `reg-name` and what an IP literal needs, without the brackets (RFC 3986 §3.2.2). */
export const hostChars = table((byte) => alphaNumeric(byte) || among("-._~%!$&'()*+,;=")(byte));

/** Value of a hexadecimal digit, 255 for anything else. */
export const hexValues = (() => {
  const bytes = new Uint8Array(256).fill(255);
  for (let digit = 0; digit < 16; digit++) {
    const text = digit.toString(16);
    bytes[text.charCodeAt(0)] = digit;
    bytes[text.toUpperCase().charCodeAt(0)] = digit;
  }
  return bytes;
})();

/** The bytes that carry structure. */
export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;
