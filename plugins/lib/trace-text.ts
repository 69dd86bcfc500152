/**
 * Text forms of trace ids on 32-bit words: hex and base64. The text of 96 bits is made in one call from character
 * codes, which gives a flat string: joining pairs is as fast to make and twice as slow to write out (bench: trace).
 */

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** The character of each 6 bits. */
const base64Codes = Uint8Array.from(alphabet, (char) => char.charCodeAt(0));
/** The character of each 4 bits. */
const hexCodes = Uint8Array.from("0123456789abcdef", (char) => char.charCodeAt(0));
const padding = 0x3d;

const notBase64 = 0xff;
const sextets = new Uint8Array(128).fill(notBase64);
for (let value = 0; value < 64; value++) sextets[alphabet.charCodeAt(value)] = value;

const nibbles = new Int8Array(128).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  nibbles[digit.toString(16).charCodeAt(0)] = digit;
  nibbles[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/** An id as 16 lower-case hex digits. */
export const hexId = (hi: number, lo: number): string =>
  String.fromCharCode(
    hexCodes[hi >>> 28]!,
    hexCodes[(hi >>> 24) & 15]!,
    hexCodes[(hi >>> 20) & 15]!,
    hexCodes[(hi >>> 16) & 15]!,
    hexCodes[(hi >>> 12) & 15]!,
    hexCodes[(hi >>> 8) & 15]!,
    hexCodes[(hi >>> 4) & 15]!,
    hexCodes[hi & 15]!,
    hexCodes[lo >>> 28]!,
    hexCodes[(lo >>> 24) & 15]!,
    hexCodes[(lo >>> 20) & 15]!,
    hexCodes[(lo >>> 16) & 15]!,
    hexCodes[(lo >>> 12) & 15]!,
    hexCodes[(lo >>> 8) & 15]!,
    hexCodes[(lo >>> 4) & 15]!,
    hexCodes[lo & 15]!,
  );

/** Whether `text` holds at least one character and only hex digits. */
export function isHex(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 128 || nibbles[code]! < 0) return false;
  }
  return text.length > 0;
}

/** The word of up to 8 hex digits in `text` from `start` up to `end`; a start before the text counts as 0. */
export function readHexWord(text: string, start: number, end: number): number {
  let word = 0;
  for (let at = Math.max(0, start); at < end; at++) word = (word << 4) | nibbles[text.charCodeAt(at)]!;
  return word;
}

/** Three words, 96 bits, as 16 characters. */
export const base64Words = (a: number, b: number, c: number): string =>
  String.fromCharCode(
    base64Codes[a >>> 26]!,
    base64Codes[(a >>> 20) & 63]!,
    base64Codes[(a >>> 14) & 63]!,
    base64Codes[(a >>> 8) & 63]!,
    base64Codes[(a >>> 2) & 63]!,
    base64Codes[((a & 3) << 4) | (b >>> 28)]!,
    base64Codes[(b >>> 22) & 63]!,
    base64Codes[(b >>> 16) & 63]!,
    base64Codes[(b >>> 10) & 63]!,
    base64Codes[(b >>> 4) & 63]!,
    base64Codes[((b & 15) << 2) | (c >>> 30)]!,
    base64Codes[(c >>> 24) & 63]!,
    base64Codes[(c >>> 18) & 63]!,
    base64Codes[(c >>> 12) & 63]!,
    base64Codes[(c >>> 6) & 63]!,
    base64Codes[c & 63]!,
  );

/** The last two words of a text, padded to 12 characters. */
export const base64TwoWords = (a: number, b: number): string =>
  String.fromCharCode(
    base64Codes[a >>> 26]!,
    base64Codes[(a >>> 20) & 63]!,
    base64Codes[(a >>> 14) & 63]!,
    base64Codes[(a >>> 8) & 63]!,
    base64Codes[(a >>> 2) & 63]!,
    base64Codes[((a & 3) << 4) | (b >>> 28)]!,
    base64Codes[(b >>> 22) & 63]!,
    base64Codes[(b >>> 16) & 63]!,
    base64Codes[(b >>> 10) & 63]!,
    base64Codes[(b >>> 4) & 63]!,
    base64Codes[(b & 15) << 2]!,
    padding,
  );

/** The last word of a text, padded to 8 characters. */
export const base64OneWord = (a: number): string =>
  String.fromCharCode(
    base64Codes[a >>> 26]!,
    base64Codes[(a >>> 20) & 63]!,
    base64Codes[(a >>> 14) & 63]!,
    base64Codes[(a >>> 8) & 63]!,
    base64Codes[(a >>> 2) & 63]!,
    base64Codes[(a & 3) << 4]!,
    padding,
    padding,
  );

/** Decodes base64, padded or not, into `words`; the number of bytes, or -1 if the text is not base64 of whole bytes. */
export function readBase64(text: string, words: Int32Array): number {
  let end = text.length;
  if (end > 0 && text.charCodeAt(end - 1) === 61) end--;
  if (end > 0 && text.charCodeAt(end - 1) === 61) end--;
  if (end !== text.length && text.length % 4 !== 0) return -1;
  const bytes = (end * 6) >> 3;
  if (end % 4 === 1 || bytes > words.length * 4) return -1;
  words.fill(0);
  let pending = 0;
  let pendingBits = 0;
  let byteAt = 0;
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    const sextet = code < 128 ? sextets[code]! : notBase64;
    if (sextet === notBase64) return -1;
    pending = ((pending << 6) | sextet) & 0xffff;
    pendingBits += 6;
    if (pendingBits >= 8) {
      pendingBits -= 8;
      const byte = (pending >> pendingBits) & 255;
      words[byteAt >> 2] = words[byteAt >> 2]! | (byte << (24 - (byteAt & 3) * 8));
      byteAt++;
    }
  }
  return bytes;
}
