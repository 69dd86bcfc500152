/**
 * The writing half of a connection: text and small data gather in a string and go out as one write, big data goes out
 * through buffers that are given back. A string survives the call that made it, a view of the read buffer does not.
 */
import type { Transport } from "../../transport/transport.ts";
import { writeBufferBytes, writeBuffers } from "../../write-buffers.ts";

/** Data up to this size is written as part of the string. */
const smallBytes = 4096;
/** More than this in the transport's queue means that the other side does not keep up. */
const congestedBytes = 65_536;

/** Gathers and writes; one per connection. */
export class Output {
  readonly #transport: Transport;
  #text = "";
  // Buffers in the transport's queue, oldest first: they are taken in the order of the writes.
  #lent: Buffer[] | undefined;
  #taken: (() => void) | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The transport's queue is longer than it should be. */
  get congested(): boolean {
    return this.#transport.queued > congestedBytes;
  }

  /** Gathers text of the protocol. */
  text(text: string): void {
    this.#text += text;
  }

  /** Gathers or writes data, with text of the protocol around it. */
  data(before: string, buffer: Buffer, from: number, to: number, after: string): void {
    if (to - from <= smallBytes) {
      this.#text += before + buffer.toString("latin1", from, to) + after;
      return;
    }
    let head = this.#text + before;
    this.#text = "";
    // A head longer than the room beside a full read goes first.
    if (head.length > writeBufferBytes - 65_536 - 2) {
      this.#transport.text(head);
      head = "";
    }
    for (let at = from; at < to; ) {
      const out = writeBuffers.take();
      let end = head === "" ? 0 : out.write(head, 0, "latin1");
      head = "";
      const piece = Math.min(to - at, writeBufferBytes - 2 - end);
      buffer.copy(out, end, at, at + piece);
      at += piece;
      end += piece;
      if (at === to && after !== "") end += out.write(after, end, "latin1");
      this.#lend(out, end);
    }
  }

  #lend(buffer: Buffer, end: number): void {
    const lent = (this.#lent ??= []);
    lent.push(buffer);
    this.#taken ??= () => writeBuffers.give(lent.shift()!);
    this.#transport.bytes(buffer.subarray(0, end), this.#taken);
  }

  /** Writes what is gathered. */
  flush(): void {
    if (this.#text === "") return;
    const text = this.#text;
    this.#text = "";
    this.#transport.text(text);
  }
}
