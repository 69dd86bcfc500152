/**
 * One HTTP/1.x connection of a caller: requests in, one after the other, and their answers out in the same order.
 *
 * States of a connection: between requests (no exchange) → a head is read, an exchange begins → its body is read while
 * the answer is written → the answer has ended → between requests again, or lingering: nothing is served any more and
 * what still comes is thrown away, so that the last answer is not lost to a reset (RFC 9112 §9.6). A tunnel ends only
 * with the connection. All of it is in one file because every step of one side depends on where the other side is.
 */
import { type ErrorCode, ProxyError } from "../../../../plugins/errors.ts";
import { reportBug } from "../../bugs.ts";
import { Exchange } from "../../exchange.ts";
import type { CallerPeer, CallerStream, ResponseHead, SocketAddress } from "../../exchange-streams.ts";
import type { Headers } from "../../headers.ts";
import { nowhere } from "../../roster.ts";
import type { ConnectionStats } from "../../stats.ts";
import type { Sweepable } from "../../sweeper.ts";
import { readBuffer } from "../../transport/read-buffer.ts";
import type { OpenTransport, Transport, TransportOwner } from "../../transport/transport.ts";
import { tick, turn } from "../../turn-clock.ts";
import { AnswerWriter } from "./answer-writer.ts";
import { BodyReader } from "./body-reader.ts";
import { CallerClock, type CallerLimits } from "./caller-clock.ts";
import type { FieldBlock } from "./field-block.ts";
import { GatheredBody, maxGatheredBytes } from "./gathered-body.ts";
import { type HeadLimits, HeadScanner, INCOMPLETE, REFUSED } from "./head-scanner.ts";
import { Field } from "./known-fields.ts";
import { requestBlocks } from "./message-parts.ts";
import { Output } from "./output.ts";
import { judgeRequest, type RequestFacts } from "./request-head.ts";

/** What all connections of one server share. */
export interface H1ServerContext extends CallerLimits {
  /** Takes a request whose head, and small body, is complete. */
  accept(exchange: Exchange): void;
  /** Makes the answer to what never became a request. */
  refusal(error: ProxyError): { readonly head: ResponseHead; readonly body: Buffer };
  readonly limits: HeadLimits;
  /** Bodies of a known length up to this are read whole before the request goes on; -1: all bodies are. */
  readonly bufferedBodyBytes: number;
  readonly stats: ConnectionStats;
  /** A connection is gone. */
  closed(connection: H1ServerConnection): void;
}

// Nobody needs them longer than it takes to begin a request.
const scanner = new HeadScanner();
const facts: RequestFacts = {
  target: "/",
  bodyLength: 0,
  keepAlive: true,
  expectsContinue: false,
  upgrade: false,
  scheme: undefined,
};

/** Input read ahead of the request that is being served; past it the caller is not read. */
const aheadBytes = 65_536;
/** Empty lines that may stand before a request (RFC 9112 §2.2). */
const maxEmptyLines = 8;
/** Bytes that are read behind the last answer. */
const lingerBytes = 1 << 20;

/** A caller's connection; see the file's comment. */
export class H1ServerConnection implements CallerStream, TransportOwner, Sweepable {
  place = nowhere;
  readonly #context: H1ServerContext;
  readonly #transport: Transport;
  readonly peer: CallerPeer | undefined;
  readonly #output: Output;
  readonly #writer: AnswerWriter;
  readonly #clock: CallerClock;
  /** From a request's first byte to the end of its answer. */
  #block: FieldBlock | undefined = undefined;
  /** Made with the first request that has a body: most connections never see one. */
  #bodyReader: BodyReader | undefined = undefined;

  /** What came and is not consumed yet, from `#aheadFrom` on. */
  #ahead: Buffer | undefined;
  #aheadFrom = 0;
  #emptyLines = 0;
  #processing = false;
  #paused = false;
  /** The reader waits for the exchange, not for the bound on `#ahead`. */
  #bodyPaused = false;

  #exchange: Exchange | undefined;
  /** A body that is being read whole; the exchange has not been accepted yet. */
  #gathering: GatheredBody | undefined;
  #requestDone = true;
  #minor = 1;
  #shed = false;
  /** Between requests it ends then. */
  #idleUntilMs = Number.POSITIVE_INFINITY;
  #answering = false;
  #tunnel = false;
  /** The caller has said that it asks no more, and has kept to it so far. */
  #leaving = false;
  #lingering = false;
  #lingered = 0;
  #gone = false;
  #served = 0;
  #received = 0;

  constructor(open: OpenTransport, context: H1ServerContext, peer?: CallerPeer) {
    this.#context = context;
    this.#transport = open(this);
    this.peer = peer;
    this.#output = new Output(this.#transport);
    this.#writer = new AnswerWriter(this.#output);
    this.#clock = new CallerClock(context);
    context.stats.opened();
  }

  /** A bug was met: the request that met it fails, and the connection, in an unknown state, ends. */
  broke(thrown: unknown): void {
    const exchange = this.#exchange;
    this.#processing = false;
    this.#writer.last = true;
    try {
      if (this.#gathering === undefined) exchange?.broke(thrown);
    } finally {
      this.#output.flush();
      if (this.#lingering) this.#transport.end();
      else this.#transport.destroy();
    }
  }

  get remote(): SocketAddress {
    return this.#transport.remote;
  }

  get local(): SocketAddress {
    return this.#transport.local;
  }

  /**
   * Tells the caller with the next answer to connect anew, and ends when nothing has come by `idleUntilMs`: a request
   * that crosses the end of its connection is lost.
   */
  drain(idleUntilMs: number): void {
    this.#shed = true;
    this.#idleUntilMs = idleUntilMs;
    if (this.#exchange !== undefined && !this.#answering) this.#writer.last = true;
  }

  /** Serves one more request, and asks the caller to connect anew. */
  shed(): void {
    this.#shed = true;
  }

  /** Ends at once. */
  destroy(): void {
    this.#transport.destroy();
  }

  get #body(): BodyReader {
    return (this.#bodyReader ??= new BodyReader());
  }

  // === Reading ===

  /** Something has come. */
  read(buffer: Buffer, length: number): void {
    try {
      this.#read(buffer, length);
    } catch (thrown) {
      reportBug("a request", thrown);
      this.broke(thrown);
    }
  }

  #read(buffer: Buffer, length: number): void {
    tick();
    this.#clock.readAt = turn.wholeMs;
    this.#received += length;
    if (this.#gone) return;
    if (this.#lingering) {
      this.#lingered += length;
      if (this.#lingered > lingerBytes) this.#transport.destroy();
      return;
    }
    if (this.#ahead === undefined) this.#process(buffer, 0, length);
    else {
      this.#ahead = Buffer.concat([this.#ahead.subarray(this.#aheadFrom), buffer.subarray(0, length)]);
      this.#aheadFrom = 0;
      this.#processAhead();
    }
    this.#exchange?.flushRequest();
  }

  #processAhead(): void {
    const ahead = this.#ahead;
    if (ahead === undefined) return;
    const from = this.#aheadFrom;
    this.#ahead = undefined;
    this.#aheadFrom = 0;
    this.#process(ahead, from, ahead.length);
  }

  // Consumes what it can; the rest is kept in #ahead.
  #process(buffer: Buffer, from: number, to: number): void {
    this.#processing = true;
    let at = from;
    while (at < to && !this.#lingering && !this.#gone) {
      let next: number;
      if (!this.#requestDone) next = this.#readBody(buffer, at, to);
      else if (this.#exchange !== undefined || this.#writer.last) break;
      else next = this.#readHead(buffer, at, to);
      if (next === INCOMPLETE) break;
      if (next === REFUSED) at = to;
      else at = next;
      if (this.#bodyPaused) break;
    }
    this.#processing = false;
    if (at < to && !this.#lingering && !this.#gone) this.#keep(buffer, at, to);
  }

  #keep(buffer: Buffer, at: number, to: number): void {
    if (this.#writer.last && this.#requestDone && this.#exchange !== undefined) {
      this.#leaving = false;
      return; // nobody will read it
    }
    if (buffer === readBuffer) {
      this.#ahead = Buffer.from(buffer.subarray(at, to));
      this.#aheadFrom = 0;
    } else {
      this.#ahead = buffer;
      this.#aheadFrom = at;
    }
    if (to - at > aheadBytes && this.#exchange !== undefined) this.#pause();
  }

  #readHead(buffer: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to && (buffer[at] === 0x0d || buffer[at] === 0x0a)) {
      if (buffer[at] === 0x0d) {
        if (at + 1 === to) return INCOMPLETE;
        if (buffer[at + 1] === 0x0a && ++this.#emptyLines <= maxEmptyLines) {
          at += 2;
          continue;
        }
      }
      return this.#refuse("E_BAD_REQUEST", "there is no request line");
    }
    if (at === to) return at;
    if (this.#clock.headSince === 0) this.#clock.headSince = this.#clock.readAt;
    const block = (this.#block ??= requestBlocks.take());
    const taken = scanner.request(buffer, at, to, this.#context.limits, block);
    if (taken === INCOMPLETE) return at === from ? INCOMPLETE : at;
    if (taken === REFUSED) return this.#refuse(scanner.error, scanner.reason);
    this.#emptyLines = 0;
    this.#clock.headSince = 0;
    this.#minor = scanner.minor;
    const fault = judgeRequest(scanner, block, facts);
    if (fault !== undefined) {
      if (fault === 417) return this.#refuse("E_EXPECTATION", "only 100-continue can be expected");
      if (fault === 501) return this.#refuse("E_NOT_IMPLEMENTED", "CONNECT is not served");
      return this.#refuse("E_BAD_REQUEST", fault);
    }
    this.#leaving = !facts.keepAlive;
    if (!facts.keepAlive || this.#shed || this.#clock.old(this.#clock.readAt)) this.#writer.last = true;
    if (this.#context.bufferedBodyBytes === -1 && facts.bodyLength > maxGatheredBytes) {
      return this.#refuse("E_BODY_TOO_LARGE", "the body is too large to be buffered");
    }
    this.#begin(block);
    return at + taken;
  }

  #begin(block: FieldBlock): void {
    const exchange = new Exchange(
      this,
      scanner.method,
      facts.target,
      scanner.minor === 1 ? "1.1" : "1.0",
      block,
      facts.bodyLength,
    );
    exchange.expectsContinue = facts.expectsContinue;
    exchange.upgrade = facts.upgrade;
    exchange.scheme = facts.scheme;
    exchange.mayAcceptEncoding = block.has(Field.acceptEncoding);
    this.#exchange = exchange;
    this.#answering = false;
    this.#served++;
    if (facts.bodyLength === 0) {
      this.#requestDone = true;
      exchange.requestComplete = true;
      this.#context.accept(exchange);
      return;
    }
    this.#requestDone = false;
    if (facts.bodyLength === -1) this.#body.startChunked();
    else this.#body.startCounted(facts.bodyLength);
    const { bufferedBodyBytes } = this.#context;
    const small = facts.bodyLength > 0 && facts.bodyLength <= bufferedBodyBytes;
    if ((small || bufferedBodyBytes === -1) && !facts.expectsContinue) this.#gathering = new GatheredBody();
    else this.#context.accept(exchange);
  }

  #readBody(buffer: Buffer, from: number, to: number): number {
    const at = this.#body.read(buffer, from, to, this, scanner);
    if (at === REFUSED) {
      this.#refuseBody();
      return REFUSED;
    }
    if (this.#body.done) this.#requestEnded();
    return at;
  }

  /** Data of the request's body, from its reader. */
  bodyData(buffer: Buffer, from: number, to: number): void {
    if (this.#gathering === undefined) this.#exchange?.requestData(buffer, from, to);
    else if (!this.#gathering.add(buffer, from, to)) {
      this.#dropRequest("E_BODY_TOO_LARGE", "the body is too large to be buffered");
    }
  }

  #requestEnded(): void {
    this.#requestDone = true;
    const exchange = this.#exchange;
    if (exchange === undefined) return; // it has been answered already
    exchange.requestComplete = true;
    if (this.#gathering === undefined) {
      exchange.requestEnd(this.#body.trailers);
      return;
    }
    exchange.body = this.#gathering.whole();
    this.#gathering = undefined;
    if (exchange.bodyLength === -1) {
      exchange.bodyLength = exchange.body.length;
      exchange.headers.append("content-length", String(exchange.body.length));
    }
    this.#context.accept(exchange);
  }

  // A fault in a body: the endpoint must not take for whole what of it is already on its way.
  #refuseBody(): void {
    this.#requestDone = true;
    this.#writer.last = true;
    if (this.#gathering !== undefined) this.#dropRequest("E_BAD_REQUEST", this.#body.reason);
    else this.#exchange?.fail(new ProxyError("E_BAD_REQUEST", this.#body.reason));
  }

  // Nobody has been told of the request yet.
  #dropRequest(code: ErrorCode, reason: string): void {
    this.#gathering = undefined;
    this.#exchange = undefined;
    this.#requestDone = true;
    this.#refuse(code, reason);
  }

  // What never became a request: an answer, and the end of the connection (RFC 9112 §2.2, §3).
  #refuse(code: ErrorCode, reason: string): number {
    this.#answering = true;
    this.#context.stats.refused(code);
    const { head, body } = this.#context.refusal(new ProxyError(code, reason));
    this.#writer.refuse(head, body);
    this.#linger();
    return REFUSED;
  }

  // === CallerStream: the answer ===

  get congested(): boolean {
    return this.#output.congested;
  }

  interim(head: ResponseHead): void {
    if (this.#minor === 0 || this.#answering) return; // RFC 9110 §15.2
    this.#writer.interim(head);
  }

  respond(head: ResponseHead): void {
    this.#answering = true;
    this.#clock.writtenAt = turn.wholeMs;
    if (head.status === 101) {
      this.#tunnel = true;
      this.#requestDone = false;
      this.#body.startUntilClose();
      this.#writer.startTunnel(head);
      // What came behind the request was not read so far: it may have been the next one.
      if (!this.#processing) this.#goOn();
      return;
    }
    // An answer before the end of the request ends the connection: what follows cannot be told from the body.
    if (!this.#requestDone) this.#writer.last = true;
    const bodiless = this.#exchange!.method === "HEAD" || head.status === 204 || head.status === 304;
    this.#writer.start(head, this.#minor, bodiless);
  }

  data(buffer: Buffer, from: number, to: number): void {
    this.#writer.data(buffer, from, to);
  }

  end(trailers: Headers | undefined): void {
    this.#writer.end(trailers);
    this.#exchange = undefined;
    requestBlocks.give(this.#block!);
    this.#block = undefined;
    if (this.#tunnel) this.#transport.end();
    else if (this.#writer.last) this.#part();
    else {
      this.#clock.idleSince = this.#clock.writtenAt;
      if (!this.#processing && (this.#ahead !== undefined || this.#paused)) this.#goOn();
    }
  }

  // Between requests again, with input at hand.
  #goOn(): void {
    if (!this.#bodyPaused) this.#resume();
    this.#processAhead();
    this.#exchange?.flushRequest();
  }

  cut(): void {
    this.#exchange = undefined;
    this.#writer.last = true;
    // An answer up to the close, or none yet, must end in a reset: an orderly end would make it look whole.
    if (this.#tunnel || this.#minor === 0 || !this.#answering) this.#transport.reset();
    else {
      this.#output.flush();
      this.#linger();
    }
  }

  flush(): void {
    this.#output.flush();
  }

  pauseBody(): void {
    if (this.#requestDone) return;
    this.#bodyPaused = true;
    this.#pause();
  }

  resumeBody(): void {
    if (!this.#bodyPaused) return;
    this.#bodyPaused = false;
    if (this.#gone) return;
    if (this.#processing) this.#resume();
    else this.#goOn();
  }

  // === Ends ===

  // After the last answer. Bytes that come behind a close reset the connection, and with it what of the answer is still
  // under way; who has said that none will come needs no waiting for. TLS has an end of its own to tell.
  #part(): void {
    const told = this.#transport.queued === 0 && !this.#transport.secure;
    if (this.#leaving && this.#requestDone && told) this.#transport.destroy();
    else this.#linger();
  }

  #linger(): void {
    this.#lingering = true;
    this.#clock.idleSince = turn.wholeMs;
    this.#ahead = undefined;
    this.#resume();
    this.#transport.end();
  }

  /** The caller has closed its side. In a tunnel that is its last word; otherwise it wants no answer any more. */
  ended(): void {
    if (this.#gone) return;
    if (this.#tunnel && !this.#requestDone) {
      this.#requestDone = true;
      this.#exchange?.requestEnd(undefined);
      this.#exchange?.flushRequest();
    } else if (this.#exchange === undefined && this.#transport.queued > 0) this.#transport.end();
    else this.#transport.destroy();
  }

  /** What waited for the caller has been taken. */
  drained(): void {
    if (!this.#gone) this.#exchange?.callerDrained();
  }

  /** The connection is over. */
  closed(): void {
    this.#gone = true;
    this.#ahead = undefined;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const lifeMs = turn.wholeMs - this.#clock.openedAt;
    this.#context.stats.closed(lifeMs, this.#served, this.#received, this.#transport.written);
    this.#context.closed(this);
    exchange?.callerGone();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#transport.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#clock.readAt = turn.wholeMs;
    this.#transport.resume();
  }

  sweep(nowMs: number): void {
    const clock = this.#clock;
    if (this.#tunnel) {
      if (clock.quiet(nowMs, this.#transport)) this.#transport.destroy();
      return;
    }
    if (clock.stalled(nowMs, this.#transport)) this.#transport.destroy();
    else if (this.#lingering) {
      if (clock.lingered(nowMs) && this.#transport.queued === 0) this.#transport.destroy();
    } else if (this.#exchange === undefined) this.#sweepIdle(nowMs);
    else if (!this.#requestDone && !this.#paused && clock.bodyOverdue(nowMs)) {
      const reason = "the request's body did not arrive in time";
      this.#requestDone = true;
      this.#writer.last = true;
      if (this.#gathering !== undefined) this.#dropRequest("E_REQUEST_TIMEOUT", reason);
      else this.#exchange.fail(new ProxyError("E_REQUEST_TIMEOUT", reason));
    }
  }

  #sweepIdle(nowMs: number): void {
    const clock = this.#clock;
    // Empty lines alone do not begin a request: they may have ended the last one (RFC 9112 §2.2).
    if (clock.headSince !== 0 && (this.#ahead !== undefined || this.#emptyLines > 0)) {
      if (clock.headOverdue(nowMs)) {
        this.#refuse("E_REQUEST_TIMEOUT", "the request's head did not arrive in time");
      }
    } else if (nowMs >= this.#idleUntilMs) this.#linger();
    else if (this.#received === 0) {
      if (clock.unused(nowMs)) this.#transport.destroy();
    } else if (clock.idle(nowMs) || clock.old(nowMs)) this.#transport.finish();
  }
}
