/**
 * Scans the heads of HTTP/1.x messages, each byte once, strictly: what two readers could take in two ways is refused
 * (RFC 9112 §2.2, §3, §4, §5, §6.3; RFC 9110 §5.5, §5.6.2). One scanner serves all connections of a worker, for it
 * keeps nothing between calls: an incomplete head is scanned again when more of it has come.
 */
import type { ErrorCode } from "../../../../plugins/errors.ts";
import { COLON, CR, HTAB, LF, SP, targetChars, tokenChars, valueChars } from "./chars.ts";
import type { FieldBlock } from "./field-block.ts";
import { Field, fieldCode } from "./known-fields.ts";

/** More bytes are needed. */
export const INCOMPLETE = -1;
/** The head is refused; see `error` and `reason`. */
export const REFUSED = -2;

/** What may be scanned at most. */
export interface HeadLimits {
  readonly maxInitialLineBytes: number;
  readonly maxHeadersBytes: number;
}

/** The scanner and what it found in the last complete head. */
export class HeadScanner {
  error: ErrorCode = "E_BAD_REQUEST";
  reason = "";

  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  minor = 1;
  method = "";
  /** As it came, whatever its form. */
  target = "";
  status = 0;
  /** Declared length, -1 without a Content-Length. */
  contentLength = -1;
  /** The length stands there as its shortest decimal form. */
  canonicalLength = true;
  /** Transfer-Encoding is there and is exactly `chunked`. */
  chunked = false;
  hostFields = 0;

  #contentLengths = 0;
  #transferEncodings = 0;

  /** Scans a request head in `[from, to)`: how many bytes it takes, INCOMPLETE or REFUSED. */
  request(buffer: Buffer, from: number, to: number, limits: HeadLimits, block: FieldBlock): number {
    this.#reset(block);
    const lineLimit = Math.min(to, from + limits.maxInitialLineBytes + 1);
    let at = from;
    while (at < lineLimit && tokenChars[buffer[at]!] === 1) at++;
    if (at === lineLimit) return this.#lineCut(to, lineLimit);
    if (at === from || buffer[at] !== SP)
      return this.#refuse("E_BAD_REQUEST", "the request line does not start with a method");
    const methodEnd = at++;
    const targetStart = at;
    while (at < lineLimit && targetChars[buffer[at]!] === 1) at++;
    if (at === lineLimit) return this.#lineCut(to, lineLimit);
    if (at === targetStart || buffer[at] !== SP) {
      return this.#refuse(
        "E_BAD_REQUEST",
        "the request target is missing or holds a character that it may not hold",
      );
    }
    const targetEnd = at++;
    // HTTP-version is exactly eight bytes (RFC 9112 §2.3).
    const version = at;
    const known = Math.min(lineLimit - version, 10);
    for (let i = 0; i < known; i++) {
      const byte = buffer[version + i]!;
      if (i === 5 || i === 7 ? byte < 0x30 || byte > 0x39 : byte !== versionLine[i]) {
        return this.#refuse("E_BAD_REQUEST", "the request line does not end in an HTTP version");
      }
    }
    if (known < 10) return this.#lineCut(to, lineLimit);
    this.minor = buffer[version + 7]! - 0x30;
    if (buffer[version + 5] !== 0x31 || this.minor > 1)
      return this.#refuse("E_VERSION", "this server speaks HTTP/1.1 and HTTP/1.0");
    const fieldsStart = version + 10;
    const end = this.#fields(buffer, from, fieldsStart, to, limits.maxHeadersBytes, block);
    if (end < 0) return end;
    const text = buffer.toString("latin1", from, end);
    this.method = text.startsWith("GET ") ? "GET" : internMethod(text.slice(0, methodEnd - from));
    this.target = text.slice(targetStart - from, targetEnd - from);
    block.seal(text, fieldsStart - from, end - from - 2);
    return end - from;
  }

  /** Scans a response head in `[from, to)`: how many bytes it takes, INCOMPLETE or REFUSED. */
  response(buffer: Buffer, from: number, to: number, limits: HeadLimits, block: FieldBlock): number {
    this.#reset(block);
    const lineLimit = Math.min(to, from + limits.maxInitialLineBytes + 1);
    const known = Math.min(lineLimit - from, 12);
    for (let i = 0; i < known; i++) {
      const byte = buffer[from + i]!;
      const digit = byte >= 0x30 && byte <= 0x39;
      if (
        i < 8
          ? i === 7
            ? byte !== 0x30 && byte !== 0x31
            : i === 5
              ? byte !== 0x31
              : byte !== versionLine[i]
          : i === 8
            ? byte !== SP
            : !digit
      ) {
        return this.#refuse("E_BAD_RESPONSE", "the answer does not start with an HTTP/1.x status line");
      }
    }
    if (known < 12) return this.#lineCut(to, lineLimit);
    this.minor = buffer[from + 7]! - 0x30;
    this.status =
      (buffer[from + 9]! - 0x30) * 100 + (buffer[from + 10]! - 0x30) * 10 + buffer[from + 11]! - 0x30;
    if (this.status < 100) return this.#refuse("E_BAD_RESPONSE", `the status ${this.status} does not exist`);
    // The reason phrase; its blank may be missing with it, as some origins have it.
    let at = from + 12;
    if (at < lineLimit && buffer[at] !== SP && buffer[at] !== CR)
      return this.#refuse("E_BAD_RESPONSE", "the status line is malformed");
    while (at < lineLimit && valueChars[buffer[at]!] === 1) at++;
    if (at + 1 >= lineLimit) return this.#lineCut(to, lineLimit);
    if (buffer[at] !== CR || buffer[at + 1] !== LF)
      return this.#refuse("E_BAD_RESPONSE", "the status line holds a control character");
    const fieldsStart = at + 2;
    const end = this.#fields(buffer, from, fieldsStart, to, limits.maxHeadersBytes, block);
    if (end < 0) return end;
    block.seal(buffer.toString("latin1", from, end), fieldsStart - from, end - from - 2);
    return end - from;
  }

  /** Scans a trailer section that starts at `from`: how many bytes it takes, INCOMPLETE or REFUSED. */
  trailers(buffer: Buffer, from: number, to: number, maxBytes: number, block: FieldBlock): number {
    this.#reset(block);
    const end = this.#fields(buffer, from, from, to, maxBytes, block);
    if (end < 0) return end;
    block.seal(buffer.toString("latin1", from, end), 0, end - from - 2);
    return end - from;
  }

  #reset(block: FieldBlock): void {
    block.clear();
    this.contentLength = -1;
    this.canonicalLength = true;
    this.chunked = false;
    this.hostFields = 0;
    this.#contentLengths = 0;
    this.#transferEncodings = 0;
  }

  #refuse(error: ErrorCode, reason: string): number {
    this.error = error;
    this.reason = reason;
    return REFUSED;
  }

  #fault(error: ErrorCode, reason: string): false {
    this.#refuse(error, reason);
    return false;
  }

  #lineCut(to: number, lineLimit: number): number {
    return lineLimit < to
      ? this.#refuse("E_LINE_TOO_LONG", "the first line is longer than maxInitialLineKB")
      : INCOMPLETE;
  }

  // Field lines up to and with the empty line; returns where the head ends.
  #fields(
    buffer: Buffer,
    base: number,
    from: number,
    to: number,
    maxBytes: number,
    block: FieldBlock,
  ): number {
    const limit = Math.min(to, from + maxBytes + 2);
    let at = from;
    for (;;) {
      const nameStart = at;
      while (at < limit && tokenChars[buffer[at]!] === 1) at++;
      if (at >= limit) return this.#fieldsCut(to, limit);
      const nameEnd = at;
      const stop = buffer[at]!;
      if (stop !== COLON || nameEnd === nameStart) {
        if (stop !== CR || nameEnd !== nameStart)
          return this.#refuse("E_BAD_REQUEST", badName(stop, nameEnd === nameStart));
        if (at + 1 >= limit) return this.#fieldsCut(to, limit);
        if (buffer[at + 1] !== LF)
          return this.#refuse("E_BAD_REQUEST", "a bare CR stands in the header section");
        return this.#framing() ? at + 2 : REFUSED;
      }
      at++;
      while (at < limit && (buffer[at] === SP || buffer[at] === HTAB)) at++;
      const valueStart = at;
      while (at < limit && valueChars[buffer[at]!] === 1) at++;
      if (at + 2 >= limit) {
        // The byte after the line tells a fold from the next field, so a line is judged when that byte is there.
        if (at < limit && buffer[at] !== CR)
          return this.#refuse("E_BAD_REQUEST", "a control character stands in a field value");
        if (at + 1 < limit && buffer[at + 1] !== LF)
          return this.#refuse("E_BAD_REQUEST", "a bare CR stands in a field value");
        return this.#fieldsCut(to, limit);
      }
      if (buffer[at] !== CR)
        return this.#refuse("E_BAD_REQUEST", "a control character stands in a field value");
      if (buffer[at + 1] !== LF) return this.#refuse("E_BAD_REQUEST", "a bare CR stands in a field value");
      let valueEnd = at;
      while (valueEnd > valueStart && (buffer[valueEnd - 1] === SP || buffer[valueEnd - 1] === HTAB))
        valueEnd--;
      at += 2;
      // obs-fold (RFC 9112 §5.2).
      if (buffer[at] === SP || buffer[at] === HTAB)
        return this.#refuse("E_BAD_REQUEST", "a field is folded over two lines");
      const code = fieldCode(buffer, nameStart, nameEnd);
      if (code !== Field.other && code <= Field.transferEncoding) {
        if (code === Field.host) this.hostFields++;
        else if (code === Field.contentLength) {
          if (!this.#length(buffer, valueStart, valueEnd)) return REFUSED;
        } else if (!this.#coding(buffer, valueStart, valueEnd)) return REFUSED;
      }
      block.add(code, nameStart - base, nameEnd - base, valueStart - base, valueEnd - base);
    }
  }

  #fieldsCut(to: number, limit: number): number {
    return limit < to
      ? this.#refuse("E_HEADERS_TOO_LARGE", "the header section is larger than maxHeadersKB")
      : INCOMPLETE;
  }

  // Content-Length is digits, once, within the exact integers (RFC 9110 §8.6, RFC 9112 §6.3(5)).
  #length(buffer: Buffer, start: number, end: number): boolean {
    if (++this.#contentLengths > 1)
      return this.#fault("E_BAD_REQUEST", "conflicting `Content-Length` headers");
    let length = 0;
    for (let at = start; at < end; at++) {
      const digit = buffer[at]! - 0x30;
      if (digit < 0 || digit > 9) return this.#fault("E_BAD_REQUEST", "Content-Length is not a number");
      length = length * 10 + digit;
      if (length > Number.MAX_SAFE_INTEGER)
        return this.#fault("E_BAD_REQUEST", "Content-Length is beyond any body");
    }
    if (start === end) return this.#fault("E_BAD_REQUEST", "Content-Length is empty");
    this.canonicalLength = end - start === 1 || buffer[start] !== 0x30;
    this.contentLength = length;
    return true;
  }

  // Transfer-Encoding is `chunked`, once, and nothing else (RFC 9112 §6.1, §6.3(4)).
  #coding(buffer: Buffer, start: number, end: number): boolean {
    if (++this.#transferEncodings > 1)
      return this.#fault("E_BAD_REQUEST", "several Transfer-Encoding fields");
    if (end - start !== chunkedWord.length)
      return this.#fault("E_NOT_IMPLEMENTED", "Transfer-Encoding is not `chunked`");
    for (let i = 0; i < chunkedWord.length; i++) {
      if ((buffer[start + i]! | 0x20) !== chunkedWord[i])
        return this.#fault("E_NOT_IMPLEMENTED", "Transfer-Encoding is not `chunked`");
    }
    this.chunked = true;
    return true;
  }

  // Transfer-Encoding in HTTP/1.0 is faulty framing (RFC 9112 §6.1).
  #framing(): boolean {
    return (
      !(this.chunked && this.minor === 0) ||
      this.#fault("E_BAD_REQUEST", "Transfer-Encoding in an HTTP/1.0 message")
    );
  }
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const versionLine = bytesOf("HTTP/1.1\r\n");
const chunkedWord = bytesOf("chunked");

const badName = (stop: number, empty: boolean): string => {
  if (stop === SP || stop === HTAB)
    return empty
      ? "a header line starts with white space"
      : "white space stands between a field name and its colon";
  if (stop === COLON) return "a field name is empty";
  return "a field name holds a character that it may not hold";
};

const commonMethods = new Map(
  ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"].map((name) => [name, name]),
);

// A slice of the head keeps the whole head alive; the usual methods are constants.
const internMethod = (method: string): string => commonMethods.get(method) ?? method;
