/** Text forms of trace ids on 32-bit words: hex and base64 by table, without Buffers (bench: trace). */

const hexPairs: string[] = [];
for (let byte = 0; byte < 256; byte++) hexPairs.push(byte.toString(16).padStart(2, "0"));

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** Two characters for 12 bits. */
const base64Pairs: string[] = [];
for (let bits = 0; bits < 4096; bits++) base64Pairs.push(alphabet[bits >> 6]! + alphabet[bits & 63]!);

const notBase64 = 0xff;
const sextets = new Uint8Array(128).fill(notBase64);
for (let value = 0; value < 64; value++) sextets[alphabet.charCodeAt(value)] = value;

const nibbles = new Int8Array(128).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  nibbles[digit.toString(16).charCodeAt(0)] = digit;
  nibbles[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/** A 32-bit word as 8 lower-case hex digits. */
export const hexWord = (word: number): string =>
  hexPairs[word >>> 24]! +
  hexPairs[(word >>> 16) & 255]! +
  hexPairs[(word >>> 8) & 255]! +
  hexPairs[word & 255]!;

/** An id as 16 lower-case hex digits. */
export const hexId = (hi: number, lo: number): string => hexWord(hi) + hexWord(lo);

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

/** Six characters of 36 bits would not fit a word, so text is made of three words (96 bits, 16 characters) at a time. */
export const base64Words = (a: number, b: number, c: number): string =>
  base64Pairs[a >>> 20]! +
  base64Pairs[(a >>> 8) & 4095]! +
  base64Pairs[((a & 255) << 4) | (b >>> 28)]! +
  base64Pairs[(b >>> 16) & 4095]! +
  base64Pairs[(b >>> 4) & 4095]! +
  base64Pairs[((b & 15) << 8) | (c >>> 24)]! +
  base64Pairs[(c >>> 12) & 4095]! +
  base64Pairs[c & 4095]!;

/** The last two words (64 bits) of a text, padded to 12 characters. */
export const base64TwoWords = (a: number, b: number): string =>
  base64Pairs[a >>> 20]! +
  base64Pairs[(a >>> 8) & 4095]! +
  base64Pairs[((a & 255) << 4) | (b >>> 28)]! +
  base64Pairs[(b >>> 16) & 4095]! +
  base64Pairs[(b >>> 4) & 4095]! +
  alphabet[(b & 15) << 2]! +
  "=";

/** The last word (32 bits) of a text, padded to 8 characters. */
export const base64OneWord = (a: number): string =>
  base64Pairs[a >>> 20]! + base64Pairs[(a >>> 8) & 4095]! + base64Pairs[(a & 255) << 4]! + "==";

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
