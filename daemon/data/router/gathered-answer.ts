/** An answer that is gathered whole before anything of it goes out (`streamingEnabled: false`). */
import { ProxyError } from "../../../plugins/errors.ts";
import type { BodyTransform, Exchange } from "../exchange.ts";
import type { ResponseHead } from "../exchange-streams.ts";
import type { Headers } from "../headers.ts";

/** Linkerd 1's limit of a buffered message is 2 GiB; ours is what a host can spare for one answer. */
const maxBytes = 256 * 1024 * 1024;

/** Gathers an answer and gives it a length. */
export class GatheredAnswer implements BodyTransform {
  readonly congested = false;
  readonly #exchange: Exchange;
  readonly #head: ResponseHead;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(exchange: Exchange, head: ResponseHead) {
    this.#exchange = exchange;
    this.#head = head;
  }

  data(buffer: Buffer, from: number, to: number): void {
    this.#bytes += to - from;
    if (this.#bytes > maxBytes) {
      this.#exchange.fail(new ProxyError("E_BAD_RESPONSE", "the answer is too large to be buffered"));
      return;
    }
    this.#parts.push(Buffer.from(buffer.subarray(from, to)));
  }

  end(trailers: Headers | undefined): void {
    const { headers } = this.#head;
    headers.set("content-length", String(this.#bytes));
    this.#exchange.respond({ ...this.#head, bodyLength: this.#bytes });
    for (const part of this.#parts) this.#exchange.caller.data(part, 0, part.length);
    this.close();
    this.#exchange.emitEnd(trailers);
  }

  resume(): void {}

  close(): void {
    this.#parts = [];
  }
}
