/**
 * Finds where a message body ends and hands out its data: counted, chunked, or up to the close of the connection
 * (RFC 9112 §6, §7.1). Strict about every byte of the chunked coding; what it refuses was never passed on as data.
 */
import { CR, hexValues, LF, valueChars } from "./chars.ts";
import { FieldBlock } from "./field-block.ts";
import { type HeadScanner, INCOMPLETE, REFUSED } from "./head-scanner.ts";

/** Takes the data as it comes; the view is valid only during the call. */
export interface BodySink {
  bodyData(buffer: Buffer, from: number, to: number): void;
}

// The states of the chunked coding, in the order in which a chunk goes through them:
// size → (extension →) sizeLf → data → dataCr → dataLf → size …, and after a size of zero: sizeLf → trailers → done.
const none = 0;
const counted = 1;
const untilClose = 2;
const size = 3;
const extension = 4;
const sizeLf = 5;
const data = 6;
const dataCr = 7;
const dataLf = 8;
const trailers = 9;

/** Digits of a chunk size, padding apart: what fits an exact integer. */
const maxSizeDigits = 13;
/** Bytes of padding and extensions that one body may spend beside its data. */
const maxOverheadBytes = 16_384;

/** Reads the body of one message after the other. */
export class BodyReader {
  /** The body is complete. */
  done = true;
  /** Why it was refused. */
  reason = "";
  /** Trailer fields, once a chunked body is done; the object is reused. */
  trailers: FieldBlock | undefined;

  #state = none;
  #left = 0;
  #digits = 0;
  #overhead = 0;
  #pendingTrailers: Buffer | undefined;
  #trailerBlock: FieldBlock | undefined;

  /** Nothing follows the head. */
  startNone(): void {
    this.#state = none;
    this.done = true;
    this.trailers = undefined;
  }

  /** `length` bytes follow. */
  startCounted(length: number): void {
    this.#state = counted;
    this.#left = length;
    this.done = length === 0;
    this.trailers = undefined;
  }

  /** Chunks follow. */
  startChunked(): void {
    this.#state = size;
    this.#left = 0;
    this.#digits = 0;
    this.#overhead = 0;
    this.#pendingTrailers = undefined;
    this.done = false;
    this.trailers = undefined;
  }

  /** Everything up to the close belongs to the body. */
  startUntilClose(): void {
    this.#state = untilClose;
    this.done = false;
    this.trailers = undefined;
  }

  /** The connection's close ends the body as it should. */
  get endsAtClose(): boolean {
    return this.#state === untilClose;
  }

  /** Consumes from `[from, to)`, up to the end of the body: where it stopped, or REFUSED. */
  read(buffer: Buffer, from: number, to: number, sink: BodySink, scanner: HeadScanner): number {
    if (this.done || from === to) return from;
    if (this.#state === untilClose) {
      sink.bodyData(buffer, from, to);
      return to;
    }
    if (this.#state === counted) {
      const end = Math.min(to, from + this.#left);
      this.#left -= end - from;
      this.done = this.#left === 0;
      sink.bodyData(buffer, from, end);
      return end;
    }
    return this.#readChunks(buffer, from, to, sink, scanner);
  }

  #readChunks(buffer: Buffer, from: number, to: number, sink: BodySink, scanner: HeadScanner): number {
    let at = from;
    while (at < to) {
      switch (this.#state) {
        case size: {
          const byte = buffer[at]!;
          const digit = hexValues[byte]!;
          if (digit < 16) {
            if (this.#left === 0 && digit === 0 && this.#digits !== 0) {
              if (!this.#spend()) return REFUSED; // padding
            } else if (++this.#digits > maxSizeDigits)
              return this.#refuse("a chunk size is beyond any chunk");
            this.#left = this.#left * 16 + digit;
          } else {
            if (this.#digits === 0) return this.#refuse("a chunk size is not hexadecimal");
            if (byte === 0x3b) this.#state = extension;
            else if (byte === CR) this.#state = sizeLf;
            else return this.#refuse("a chunk size is not hexadecimal");
          }
          at++;
          break;
        }
        case extension: {
          const byte = buffer[at]!;
          if (byte === CR) this.#state = sizeLf;
          else if (valueChars[byte] === 0) return this.#refuse("a chunk extension holds a control character");
          if (!this.#spend()) return REFUSED;
          at++;
          break;
        }
        case sizeLf:
          if (buffer[at] !== LF) return this.#refuse("a chunk size does not end in CRLF");
          this.#state = this.#left === 0 ? trailers : data;
          at++;
          break;
        case data: {
          const end = Math.min(to, at + this.#left);
          sink.bodyData(buffer, at, end);
          this.#left -= end - at;
          if (this.#left === 0) this.#state = dataCr;
          at = end;
          break;
        }
        case dataCr:
          if (buffer[at] !== CR) return this.#refuse("a chunk is longer than its size");
          this.#state = dataLf;
          at++;
          break;
        case dataLf:
          if (buffer[at] !== LF) return this.#refuse("a chunk does not end in CRLF");
          this.#state = size;
          this.#digits = 0;
          at++;
          break;
        default:
          return this.#readTrailers(buffer, at, to, scanner);
      }
    }
    return at;
  }

  #readTrailers(buffer: Buffer, from: number, to: number, scanner: HeadScanner): number {
    // The usual end: an empty trailer section at once.
    if (
      this.#pendingTrailers === undefined &&
      to - from >= 2 &&
      buffer[from] === CR &&
      buffer[from + 1] === LF
    ) {
      this.done = true;
      return from + 2;
    }
    const before = this.#pendingTrailers?.length ?? 0;
    const text = before === 0 ? buffer : Buffer.concat([this.#pendingTrailers!, buffer.subarray(from, to)]);
    const start = before === 0 ? from : 0;
    const end = before === 0 ? to : text.length;
    const block = (this.#trailerBlock ??= new FieldBlock());
    const taken = scanner.trailers(text, start, end, maxTrailerBytes, block);
    if (taken === REFUSED) return this.#refuse(`in the trailers, ${scanner.reason}`);
    if (taken === INCOMPLETE) {
      this.#pendingTrailers = Buffer.from(text.subarray(start, end));
      return to;
    }
    this.#pendingTrailers = undefined;
    this.trailers = block;
    this.done = true;
    return from + taken - before;
  }

  #spend(): boolean {
    if (++this.#overhead <= maxOverheadBytes) return true;
    this.#refuse("chunk sizes and extensions take more room than they may");
    return false;
  }

  #refuse(reason: string): number {
    this.reason = reason;
    return REFUSED;
  }
}

const maxTrailerBytes = 8192;
