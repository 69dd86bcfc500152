/**
 * One HTTP/1.x connection to an endpoint: it carries one exchange at a time and goes back to its pool when the answer
 * and the request have both ended cleanly.
 *
 * States: connecting → idle ⇄ busy → closed. What comes while idle was asked by nobody, so it ends the connection: it
 * could otherwise become the answer to the next request (RFC 9112 §9.3). It is one file because each step of the answer
 * depends on how far the request got.
 */
import { ProxyError } from "../../../../plugins/errors.ts";
import { reportBug } from "../../bugs.ts";
import type { Exchange } from "../../exchange.ts";
import type { EndpointStream, ResponseHead } from "../../exchange-streams.ts";
import type { Headers } from "../../headers.ts";
import { nowhere } from "../../roster.ts";
import type { Sweepable } from "../../sweeper.ts";
import { readBuffer } from "../../transport/read-buffer.ts";
import type { OpenTransport, Transport, TransportOwner } from "../../transport/transport.ts";
import { tick, turn } from "../../turn-clock.ts";
import type { BodyReader } from "./body-reader.ts";
import { FieldBlock } from "./field-block.ts";
import { type HeadLimits, HeadScanner, INCOMPLETE, REFUSED } from "./head-scanner.ts";
import { Field } from "./known-fields.ts";
import { type AnswerParts, answerParts } from "./message-parts.ts";
import { Output } from "./output.ts";
import {
  judgeResponse,
  type ResponseFacts,
  reasonIn,
  switchesToWebSocket,
  tidyInterim,
} from "./response-head.ts";
import { showFields, showTrailers } from "./show.ts";

/** What an endpoint's connections report to it, and the limits that it sets. */
export interface H1ClientOwner {
  readonly limits: HeadLimits;
  readonly connectTimeoutMs: number;
  /** Longest silence while an answer is owed; 0: none. */
  readonly responseTimeoutMs: number;
  /** Longest time in which the endpoint takes nothing of what is written for it; 0: any. */
  readonly writeTimeoutMs: number;
  /** Where connections are made by more than TCP, why one was not made. */
  readonly secure: { failure(cause: NodeJS.ErrnoException): ProxyError } | undefined;
  /** The connection is made. */
  made(connection: H1ClientConnection): void;
  /** It can take another request. */
  idle(connection: H1ClientConnection): void;
  /** It is gone; `error` if it was never made. */
  gone(connection: H1ClientConnection, error: ProxyError | undefined): void;
}

// Nobody needs them longer than it takes to begin an answer.
const scanner = new HeadScanner();
const facts: ResponseFacts = { framing: "none", bodyLength: 0, reusable: true };

/** 1xx answers to one request that are read at most. */
const maxInterims = 100_000;

/** An answer that nobody wants is read so far, and so long, for its connection to serve on. */
const discardable = { bytes: 65_536, ms: 1000 };

/** A connection to an endpoint; see the file's comment. */
export class H1ClientConnection implements EndpointStream, TransportOwner, Sweepable {
  place = nowhere;
  readonly openedAt = performance.now();
  /** When it became idle, or was opened; as the other times here in whole milliseconds, which are no objects. */
  idleSince = Math.floor(this.openedAt);
  /** Requests it has carried. */
  carried = 0;
  received = 0;

  readonly #owner: H1ClientOwner;
  readonly #transport: Transport;
  readonly #output: Output;
  /** While an answer is being read. */
  #parts: AnswerParts | undefined = undefined;

  #connected = false;
  #gone = false;
  #failure: ProxyError | undefined = undefined;
  #exchange: Exchange | undefined = undefined;
  #chunking = false;
  #requestDone = true;
  #headDone = false;
  #tunnel = false;
  #reusable = true;
  /** What is left of the answer is worth reading if nobody wants it. */
  #isShort = false;
  #interims = 0;
  /** Bytes that may still be read of an answer that nobody wants. */
  #discarding = 0;
  #pending: Buffer | undefined = undefined;
  #paused = false;
  #taken = -1;
  #takenAt = 0;
  #readAt = 0;

  constructor(open: OpenTransport, owner: H1ClientOwner) {
    this.#owner = owner;
    this.#transport = open(this);
    this.#output = new Output(this.#transport);
  }

  get written(): number {
    return this.#transport.written;
  }

  /** It is made. */
  connected(): void {
    this.#connected = true;
    this.#owner.made(this);
  }

  /** A request may be sent on it now. */
  get free(): boolean {
    return (
      this.#connected &&
      this.#exchange === undefined &&
      this.#discarding === 0 &&
      this.#reusable &&
      this.#transport.open
    );
  }

  /** Ends the connection; what is in flight fails. */
  destroy(): void {
    this.#transport.destroy();
  }

  /** Takes no further request and ends when the present one has. */
  retire(): void {
    this.#reusable = false;
    if (this.#exchange === undefined) this.#transport.destroy();
  }

  // === The request ===

  /** Sends a request's head and whatever of its body is at hand. */
  send(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#headDone = false;
    this.#interims = 0;
    this.#readAt = turn.wholeMs;
    this.#taken = -1;
    this.carried++;
    const length = exchange.bodyLength;
    this.#chunking = length === -1;
    const head = exchange.method + " " + exchange.target + " HTTP/1.1\r\n" + showFields(exchange.headers);
    const host =
      exchange.headers instanceof FieldBlock && exchange.headers.seen & (1 << Field.host)
        ? ""
        : hostField(exchange);
    if (exchange.upgrade)
      this.#output.text(head + host + "connection: upgrade\r\nupgrade: websocket\r\n\r\n");
    else if (this.#chunking) this.#output.text(head + host + "transfer-encoding: chunked\r\n\r\n");
    else this.#output.text(head + host + "\r\n");
    this.#requestDone = length === 0;
    if (exchange.body !== undefined) {
      this.#output.data("", exchange.body, 0, exchange.body.length, "");
      this.#requestDone = true;
    }
    exchange.attached(this);
    this.#output.flush();
  }

  get congested(): boolean {
    return this.#output.congested;
  }

  data(buffer: Buffer, from: number, to: number): void {
    this.#readAt = turn.wholeMs; // the endpoint owes nothing while it is being fed
    if (this.#chunking) this.#output.data((to - from).toString(16) + "\r\n", buffer, from, to, "\r\n");
    else this.#output.data("", buffer, from, to, "");
  }

  end(trailers: Headers | undefined): void {
    if (this.#tunnel) {
      this.#output.flush();
      this.#transport.end();
      return;
    }
    if (this.#chunking)
      this.#output.text(trailers === undefined ? "0\r\n\r\n" : "0\r\n" + showTrailers(trailers) + "\r\n");
    this.#requestDone = true;
    this.#readAt = turn.wholeMs;
  }

  cancel(): void {
    this.#exchange = undefined;
    this.#transport.destroy();
  }

  discard(): void {
    if (this.#isShort && this.#requestDone && this.#reusable) {
      this.#exchange = undefined;
      this.#discarding = discardable.bytes;
    } else this.cancel();
  }

  flush(): void {
    this.#output.flush();
  }

  pauseBody(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#transport.pause();
  }

  resumeBody(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#readAt = turn.wholeMs;
    this.#transport.resume();
  }

  // === The answer ===

  /** Something has come. */
  read(buffer: Buffer, length: number): void {
    try {
      this.#read(buffer, length);
    } catch (thrown) {
      reportBug("an answer", thrown);
      this.broke(thrown);
    }
  }

  /** A bug was met: nothing more is said on this connection, and what is in flight fails. */
  broke(thrown: unknown): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#transport.destroy();
    exchange?.broke(thrown);
  }

  #read(buffer: Buffer, length: number): void {
    tick();
    this.received += length;
    if (this.#gone || !this.#transport.open) return;
    const exchange = this.#exchange;
    if (exchange === undefined) {
      if (this.#discarding > 0) this.#skip(this.#borrowed(), buffer, 0, length);
      else this.#transport.destroy(); // nobody asked
      return;
    }
    // A head that drips in does not put its deadline off.
    if (this.#headDone) this.#readAt = turn.wholeMs;
    let from = 0;
    let to = length;
    if (this.#pending !== undefined) {
      buffer = Buffer.concat([this.#pending, buffer.subarray(0, length)]);
      this.#pending = undefined;
      from = 0;
      to = buffer.length;
    }
    this.#process(exchange, buffer, from, to);
  }

  #borrowed(): AnswerParts {
    return (this.#parts ??= answerParts.take());
  }

  #process(exchange: Exchange, buffer: Buffer, from: number, to: number): void {
    const parts = this.#borrowed();
    const { block, body } = parts;
    let at = from;
    while (!this.#headDone) {
      const taken = scanner.response(buffer, at, to, this.#owner.limits, block);
      if (taken === INCOMPLETE) {
        this.#pending =
          buffer === readBuffer ? Buffer.from(buffer.subarray(at, to)) : buffer.subarray(at, to);
        if (this.#interims > 0) this.#passed(exchange);
        return;
      }
      if (taken === REFUSED) {
        this.#fail(scanner.reason);
        return;
      }
      at += taken;
      if (!this.#head(exchange, parts)) {
        if (this.#discarding > 0) this.#skip(parts, buffer, at, to);
        return;
      }
      if (at === to && !this.#headDone) {
        this.#passed(exchange);
        return;
      }
    }
    if (this.#exchange !== exchange) return; // the exchange wants no more of it
    const end = body.read(buffer, at, to, this, scanner);
    if (end === REFUSED) {
      this.#fail(body.reason);
      return;
    }
    if (this.#exchange !== exchange) return;
    if (body.done) {
      // More than the answer: the rest is nobody's (RFC 9112 §9.3).
      if (end < to) this.#reusable = false;
      this.#finish(exchange, parts);
    } else this.#passed(exchange);
  }

  // The rest of an answer that nobody wants.
  #skip(parts: AnswerParts, buffer: Buffer, from: number, to: number): void {
    const end = parts.body.read(buffer, from, to, this, scanner);
    this.#discarding -= to - from;
    const { done } = parts.body;
    if (done && end === to) {
      this.#discarding = 0;
      this.#parts = undefined;
      answerParts.give(parts);
      this.idleSince = this.#readAt;
      this.#owner.idle(this);
    } else if (done || end === REFUSED || this.#discarding <= 0) this.#transport.destroy();
  }

  // Something has gone to the caller, who may be slow.
  #passed(exchange: Exchange): void {
    exchange.flushAnswer();
    if (exchange.callerCongested) this.pauseBody();
  }

  /** Data of the answer's body, from its reader. */
  bodyData(buffer: Buffer, from: number, to: number): void {
    this.#exchange?.answerData(buffer, from, to);
  }

  // One head; false if that was the end of the exchange.
  #head(exchange: Exchange, { block, body }: AnswerParts): boolean {
    const { status, minor } = scanner;
    if (status === 101) return this.#switch(exchange, block, body);
    const version: "1.0" | "1.1" = minor === 1 ? "1.1" : "1.0";
    const head = { status, reason: reasonIn(block.text), version, headers: block, bodyLength: 0 };
    if (status < 200) return this.#interim(exchange, head, block);
    this.#headDone = true;
    judgeResponse(scanner, block, exchange.method === "HEAD", facts);
    if (!facts.reusable) this.#reusable = false;
    this.#startBody(body);
    head.bodyLength = facts.bodyLength;
    exchange.answered(head);
    return this.#exchange === exchange;
  }

  #startBody(body: BodyReader): void {
    const { framing, bodyLength } = facts;
    this.#isShort = framing === "none" || (framing === "counted" && bodyLength <= discardable.bytes);
    switch (framing) {
      case "none":
        body.startNone();
        break;
      case "chunked":
        body.startChunked();
        break;
      case "counted":
        body.startCounted(bodyLength);
        break;
      case "untilClose":
        body.startUntilClose();
        break;
    }
  }

  #interim(exchange: Exchange, head: ResponseHead, block: FieldBlock): boolean {
    if (++this.#interims > maxInterims) {
      this.#fail("too many interim answers");
      return false;
    }
    tidyInterim(block);
    exchange.interim(head);
    return true;
  }

  #switch(exchange: Exchange, block: FieldBlock, body: BodyReader): boolean {
    if (!exchange.upgrade || !switchesToWebSocket(block)) {
      this.#fail("the endpoint switches to a protocol that nobody asked for");
      return false;
    }
    tidyInterim(block);
    this.#headDone = true;
    this.#tunnel = true;
    this.#chunking = false;
    this.#requestDone = false;
    this.#reusable = false;
    body.startUntilClose();
    const reason = "Switching Protocols";
    exchange.answered({ status: 101, reason, version: "1.1", headers: block, bodyLength: -1 });
    return this.#exchange === exchange;
  }

  #finish(exchange: Exchange, parts: AnswerParts): void {
    this.#exchange = undefined;
    this.#parts = undefined;
    // An answer before the end of the request leaves a body that nobody reads.
    const reusable = this.#reusable && this.#requestDone && !this.#gone;
    if (reusable) {
      this.idleSince = this.#readAt;
      if (this.#paused) this.resumeBody();
      this.#owner.idle(this);
    }
    exchange.answerEnd(parts.body.trailers);
    answerParts.give(parts);
    if (!reusable) this.#transport.destroy();
  }

  #fail(reason: string): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#transport.destroy();
    exchange?.endpointFailed(new ProxyError("E_BAD_RESPONSE", reason), "answering");
  }

  /** The endpoint has closed its side. */
  ended(): void {
    const exchange = this.#exchange;
    if (exchange !== undefined && this.#headDone && this.#parts?.body.endsAtClose) {
      this.#exchange = undefined;
      exchange.answerEnd(undefined);
      if (this.#tunnel) {
        this.#transport.end();
        return;
      }
    }
    this.#transport.destroy();
  }

  /** What waited for the endpoint has been taken. */
  drained(): void {
    this.#exchange?.endpointDrained();
  }

  /** The connection is over, or was never made. */
  closed(cause: NodeJS.ErrnoException | undefined): void {
    this.#gone = true;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const error =
      this.#failure ??
      (cause && this.#failureOf(cause)) ??
      new ProxyError("E_CONNECTION_CLOSED", "the endpoint closed the connection before it answered");
    this.#owner.gone(this, this.#connected ? undefined : error);
    const begun = this.#headDone || this.#pending !== undefined || this.#interims > 0;
    exchange?.endpointFailed(error, begun ? "answering" : this.carried > 1 ? "stale" : "sent");
  }

  #failureOf(cause: NodeJS.ErrnoException): ProxyError {
    const reason = cause.code ?? cause.message;
    if (this.#connected)
      return new ProxyError("E_CONNECTION_CLOSED", `the endpoint's connection failed: ${reason}`);
    return (
      this.#owner.secure?.failure(cause) ??
      new ProxyError("E_CONNECT", `connect failed: ${reason}`, { cause })
    );
  }

  sweep(nowMs: number): void {
    if (!this.#connected) {
      if (nowMs - this.openedAt > this.#owner.connectTimeoutMs) {
        this.#failure = new ProxyError(
          "E_CONNECT_TIMEOUT",
          `no connection within ${this.#owner.connectTimeoutMs} ms`,
        );
        this.#transport.destroy();
      }
      return;
    }
    if (this.#discarding > 0 && nowMs - this.#readAt > discardable.ms) this.#transport.destroy();
    if (this.#exchange === undefined || this.#tunnel) return;
    const { responseTimeoutMs, writeTimeoutMs } = this.#owner;
    if (this.#stalledFor(nowMs) > writeTimeoutMs && writeTimeoutMs > 0)
      this.#timedOut(this.#exchange, `the endpoint took nothing for ${writeTimeoutMs} ms`);
    else if (this.#paused || responseTimeoutMs === 0) return;
    else if ((this.#headDone || this.#requestDone) && nowMs - this.#readAt > responseTimeoutMs)
      this.#timedOut(this.#exchange, `the endpoint was silent for ${responseTimeoutMs} ms`);
  }

  // How long nothing has been taken from the queue.
  #stalledFor(nowMs: number): number {
    const { queued, written } = this.#transport;
    const taken = written - queued;
    if (queued === 0 || taken !== this.#taken) {
      this.#taken = taken;
      this.#takenAt = nowMs;
    }
    return nowMs - this.#takenAt;
  }

  #timedOut(exchange: Exchange, message: string): void {
    this.#exchange = undefined;
    this.#transport.destroy();
    exchange.endpointFailed(new ProxyError("E_RESPONSE_TIMEOUT", message), "sent");
  }
}

/** HTTP/1.1 needs a Host, if an empty one (RFC 9112 §3.2). */
const hostField = (exchange: Exchange): string =>
  exchange.headers.first("host") === undefined ? "host: \r\n" : "";
