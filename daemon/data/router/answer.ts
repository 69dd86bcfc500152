/** An endpoint's answer on its way to the caller: what this hop adds, takes away and changes. */

import type { Client } from "../client/client.ts";
import type { Endpoint } from "../client/endpoint.ts";
import type { BodyTransform, Exchange } from "../exchange.ts";
import type { ResponseHead } from "../exchange-streams.ts";
import type { Headers } from "../headers.ts";
import type { Arrival, Arriving } from "./arrival.ts";
import { CompressedAnswer, compressionOf } from "./compressed-answer.ts";
import { GatheredAnswer } from "./gathered-answer.ts";
import { restoreHost } from "./rewrite-host.ts";
import { addVia } from "./via.ts";

/** The request whose answer it is. */
export interface Answering extends Arriving {
  readonly arrival: Arrival;
  readonly client: Client | undefined;
  readonly endpoint: Endpoint | undefined;
  readonly originalHost: string | undefined;
}

/** Edits the head of an answer and sends it on. */
export function prepareAnswer(request: Answering, head: ResponseHead, success: boolean): void {
  const { exchange, server, context } = request;
  const { headers } = head;
  if (headers.mayRoute) headers.remove("l5d-success-class");
  addVia(headers, head.version);
  if (request.originalHost !== undefined) {
    restoreHost(headers, String(request.client!.meta["authority"]), request.originalHost);
  }
  if (head.status === 101) {
    exchange.respond(head);
    return;
  }
  if (server.config.clearContext) {
    if (request.arrival.clearAnswer(head)) {
      exchange.transform = new EmptiedAnswer(exchange);
      exchange.respond({ ...head, bodyLength: 0 });
      return;
    }
  } else headers.appendText(successClass[success ? 1 : 0]);
  if (request.arrival.addContext) {
    const block = Buffer.from(request.arrival.routingContext(request, request.client!, request.endpoint));
    exchange.transform = new ExtendedAnswer(exchange, block);
    const bodyLength = head.bodyLength === -1 ? -1 : head.bodyLength + block.length;
    if (bodyLength !== -1) headers.set("content-length", String(bodyLength));
    exchange.respond({ ...head, bodyLength });
    return;
  }
  const coding =
    context.compressionLevel === 0 ? undefined : compressionOf(exchange, head, context.compressionLevel);
  if (coding !== undefined) {
    exchange.transform = new CompressedAnswer(exchange, coding, context.compressionLevel);
    exchange.respond(CompressedAnswer.head(head, coding));
  } else if (!context.streaming && head.bodyLength !== 0)
    exchange.transform = new GatheredAnswer(exchange, head);
  else exchange.respond(head);
}

const successClass = ["l5d-success-class: 0.0\r\n", "l5d-success-class: 1.0\r\n"] as const;

/** An answer whose body is not for this caller. */
class EmptiedAnswer implements BodyTransform {
  readonly congested = false;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  data(): void {}

  end(): void {
    this.#exchange.emitEnd(undefined);
  }

  resume(): void {}

  close(): void {}
}

/** An answer with a block of ours behind it. */
class ExtendedAnswer implements BodyTransform {
  readonly congested = false;
  readonly #exchange: Exchange;
  readonly #block: Buffer;

  constructor(exchange: Exchange, block: Buffer) {
    this.#exchange = exchange;
    this.#block = block;
  }

  data(buffer: Buffer, from: number, to: number): void {
    this.#exchange.caller.data(buffer, from, to);
  }

  end(trailers: Headers | undefined): void {
    this.#exchange.caller.data(this.#block, 0, this.#block.length);
    this.#exchange.emitEnd(trailers);
  }

  resume(): void {}

  close(): void {}
}
