/** Writes one answer after the other in the framing that the caller's version of HTTP/1 knows (RFC 9112 §6.3, §7.1). */
import type { ResponseHead } from "../../exchange-streams.ts";
import type { Headers } from "../../headers.ts";
import type { Output } from "./output.ts";
import { showFields, showTrailers, statusLine } from "./show.ts";

/** An answer of unknown length to HTTP/1.0 is gathered up to this, to give it a length. */
const gatherBytes = 65_536;

/** How an answer is framed, and whether it is the last one of its connection. */
export class AnswerWriter {
  readonly #output: Output;
  /** The caller speaks HTTP/1.0. */
  #old = false;
  #chunking = false;
  /** The head is kept as text: its fields belong to a connection that may read the next answer before this one ends. */
  #gathered: { readonly head: string; readonly data: Buffer[]; bytes: number } | undefined;
  /** No answer follows this one on the connection. */
  last = false;

  constructor(output: Output) {
    this.#output = output;
  }

  /** The head. `bodiless`: the answer to HEAD, 204 and 304, whatever their fields say. */
  start(head: ResponseHead, minor: number, bodiless: boolean): void {
    this.#old = minor === 0;
    this.#chunking = head.bodyLength === -1 && !bodiless;
    if (this.#chunking && this.#old) {
      this.#chunking = false;
      this.#gathered = { head: statusLine(head) + showFields(head.headers), data: [], bytes: 0 };
      return;
    }
    const framing = this.#chunking ? "transfer-encoding: chunked\r\n\r\n" : "\r\n";
    this.#output.text(statusLine(head) + showFields(head.headers) + this.#connectionField() + framing);
  }

  /** The head of a 101; data is passed as it is from here on. */
  startTunnel(head: ResponseHead): void {
    this.last = true;
    this.#chunking = false;
    const upgrade = "connection: upgrade\r\nupgrade: websocket\r\n\r\n";
    this.#output.text(statusLine(head) + showFields(head.headers) + upgrade);
  }

  /** An answer of our own to what never became a request. */
  refuse(head: ResponseHead, body: Buffer): void {
    this.last = true;
    this.#output.text(statusLine(head) + showFields(head.headers) + "connection: close\r\n\r\n");
    this.#output.data("", body, 0, body.length, "");
    this.#output.flush();
  }

  /** A 1xx. */
  interim(head: ResponseHead): void {
    this.#output.text(statusLine(head) + showFields(head.headers) + "\r\n");
    this.#output.flush();
  }

  data(buffer: Buffer, from: number, to: number): void {
    if (this.#gathered !== undefined) this.#gather(buffer, from, to);
    else if (this.#chunking) this.#output.data((to - from).toString(16) + "\r\n", buffer, from, to, "\r\n");
    else this.#output.data("", buffer, from, to, "");
  }

  end(trailers: Headers | undefined): void {
    if (this.#gathered !== undefined) this.#writeGathered(`content-length: ${this.#gathered.bytes}\r\n`);
    else if (this.#chunking) {
      this.#output.text(trailers === undefined ? "0\r\n\r\n" : "0\r\n" + showTrailers(trailers) + "\r\n");
    }
    this.#output.flush();
  }

  #connectionField(): string {
    if (this.last) return "connection: close\r\n";
    return this.#old ? "connection: keep-alive\r\n" : "";
  }

  // HTTP/1.0 knows no chunks: a short answer is given a length, a long one ends with the connection.
  #gather(buffer: Buffer, from: number, to: number): void {
    const gathered = this.#gathered!;
    gathered.data.push(Buffer.from(buffer.subarray(from, to)));
    gathered.bytes += to - from;
    if (gathered.bytes <= gatherBytes) return;
    this.last = true;
    this.#writeGathered("");
  }

  #writeGathered(length: string): void {
    const { head, data } = this.#gathered!;
    this.#gathered = undefined;
    this.#output.text(head + length + this.#connectionField() + "\r\n");
    for (const part of data) this.#output.data("", part, 0, part.length, "");
  }
}
