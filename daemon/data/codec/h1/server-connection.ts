/**
 * One HTTP/1.x connection of a caller: requests in, one after the other, and their answers out in the same order.
 *
 * States of a connection: between requests (no exchange) → a head is read, an exchange begins → its body is read while
 * the answer is written → the answer has ended → between requests again, or lingering: nothing is served any more and
 * what still comes is thrown away, so that the last answer is not lost to a reset (RFC 9112 §9.6). A tunnel ends only
 * with the connection.
 */
import type { Socket } from "node:net";
import { type ErrorCode, ProxyError } from "../../../../plugins/errors.ts";
import { Exchange } from "../../exchange.ts";
import type { CallerStream, ResponseHead, SocketAddress } from "../../exchange-streams.ts";
import type { Headers } from "../../headers.ts";
import type { ConnectionStats } from "../../router/stats.ts";
import type { Sweepable } from "../../sweeper.ts";
import { BodyReader } from "./body-reader.ts";
import { FieldBlock } from "./field-block.ts";
import { type HeadLimits, HeadScanner, INCOMPLETE, REFUSED } from "./head-scanner.ts";
import { Field } from "./known-fields.ts";
import { Output } from "./output.ts";
import { readBuffer } from "./read-buffer.ts";
import { judgeRequest, type RequestFacts } from "./request-head.ts";
import { showFields, showTrailers, statusLine } from "./show.ts";

/** What all connections of one server share. */
export interface H1ServerContext {
  /** Takes a request whose head, and small body, is complete. */
  accept(exchange: Exchange): void;
  /** Makes the answer to what never became a request. */
  refusal(error: ProxyError): { readonly head: ResponseHead; readonly body: Buffer };
  readonly limits: HeadLimits;
  /** Bodies of a known length up to this are read whole before the request goes on. */
  readonly bufferedBodyBytes: number;
  readonly headTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly lifeTimeoutMs: number;
  /** No progress in writing an answer for this long ends the connection. */
  readonly writeTimeoutMs: number;
  readonly stats: ConnectionStats;
  /** A connection is gone. */
  closed(connection: H1ServerConnection): void;
}

const scanner = new HeadScanner();

/** Input read ahead of the request that is being served; past it the caller is not read. */
const aheadBytes = 65_536;
/** Empty lines that may stand before a request (RFC 9112 §2.2). */
const maxEmptyLines = 8;
/** How long, and for how many bytes, a connection is read on after its last answer. */
const lingerMs = 2000;
const lingerBytes = 1 << 20;
/** An answer of unknown length to HTTP/1.0 is gathered up to this, to give it a length. */
const gatherBytes = 65_536;

export class H1ServerConnection implements CallerStream, Sweepable {
  readonly #context: H1ServerContext;
  readonly #socket: Socket;
  readonly #output: Output;
  readonly #block = new FieldBlock();
  readonly #body = new BodyReader();
  readonly #openedAt = performance.now();
  #facts: RequestFacts = {
    target: "/",
    bodyLength: 0,
    keepAlive: true,
    expectsContinue: false,
    upgrade: false,
    scheme: undefined,
  };
  #trailerBlock: FieldBlock | undefined;

  /** What came and is not consumed yet, from `#aheadFrom` on. */
  #ahead: Buffer | undefined;
  #aheadFrom = 0;
  #emptyLines = 0;
  #processing = false;
  #paused = false;
  /** The reader waits for the exchange, not for the bound on `#ahead`. */
  #bodyPaused = false;

  #exchange: Exchange | undefined;
  /** A small body that is being read whole. */
  #small: Buffer | undefined;
  #smallLength = 0;
  #minor = 1;
  #requestDone = true;
  /** No further request is read. */
  #last = false;
  #shed = false;
  #answering = false;
  #chunking = false;
  #tunnel = false;
  #gathered: { readonly head: ResponseHead; readonly data: Buffer[]; bytes: number } | undefined;
  #lingering = false;
  #lingered = 0;
  #gone = false;

  #readAt = this.#openedAt;
  #headSince = this.#openedAt;
  #idleSince = this.#openedAt;
  #served = 0;
  #received = 0;
  #lastWritten = 0;
  #writtenAt = this.#openedAt;

  constructor(socket: Socket, context: H1ServerContext) {
    this.#context = context;
    this.#socket = socket;
    this.#output = new Output(socket);
    context.stats.opened();
    socket.on("error", () => {}); // 'close' follows
    socket.on("close", () => this.#closed());
    socket.on("end", () => this.#ended());
    socket.on("drain", () => {
      if (!this.#gone) this.#exchange?.callerDrained();
    });
  }

  get remote(): SocketAddress {
    return { ip: this.#socket.remoteAddress, port: this.#socket.remotePort };
  }

  get local(): SocketAddress {
    return { ip: this.#socket.localAddress, port: this.#socket.localPort };
  }

  /** Serves what is in flight, and nothing after it. */
  drain(): void {
    this.#last = true;
    if (this.#exchange === undefined && !this.#lingering) this.#socket.end();
  }

  /** Serves one more request, and asks the caller to connect anew. */
  shed(): void {
    this.#shed = true;
  }

  /** Ends at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  // === Reading ===

  /** The socket has read into the worker's buffer. */
  read(buffer: Buffer, length: number): void {
    this.#readAt = performance.now();
    this.#received += length;
    if (this.#gone) return;
    if (this.#lingering) {
      this.#lingered += length;
      if (this.#lingered > lingerBytes) this.#socket.destroy();
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
      else if (this.#exchange !== undefined || this.#last) break;
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
    if (this.#last && this.#requestDone && this.#exchange !== undefined) return; // nobody will read it
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
    if (this.#headSince === 0) this.#headSince = this.#readAt;
    const taken = scanner.request(buffer, at, to, this.#context.limits, this.#block);
    if (taken === INCOMPLETE) return at === from ? INCOMPLETE : at;
    if (taken === REFUSED) return this.#refuse(scanner.error, scanner.reason);
    this.#emptyLines = 0;
    this.#headSince = 0;
    this.#minor = scanner.minor;
    const facts = this.#facts;
    const fault = judgeRequest(scanner, this.#block, facts);
    if (fault !== undefined) {
      if (fault === 417) return this.#refuse("E_EXPECTATION", "only 100-continue can be expected");
      if (fault === 501) return this.#refuse("E_NOT_IMPLEMENTED", "CONNECT is not served");
      return this.#refuse("E_BAD_REQUEST", fault);
    }
    if (!facts.keepAlive || this.#shed) this.#last = true;
    this.#begin();
    return at + taken;
  }

  #begin(): void {
    const facts = this.#facts;
    const exchange = new Exchange(
      this,
      scanner.method,
      facts.target,
      scanner.minor === 1 ? "1.1" : "1.0",
      this.#block,
      facts.bodyLength,
    );
    exchange.expectsContinue = facts.expectsContinue;
    exchange.upgrade = facts.upgrade;
    exchange.scheme = facts.scheme;
    exchange.mayAcceptEncoding = this.#block.has(Field.acceptEncoding);
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
    if (
      facts.bodyLength > 0 &&
      facts.bodyLength <= this.#context.bufferedBodyBytes &&
      !facts.expectsContinue
    ) {
      this.#small = Buffer.allocUnsafe(facts.bodyLength);
      this.#smallLength = 0;
    } else this.#context.accept(exchange);
  }

  #readBody(buffer: Buffer, from: number, to: number): number {
    const at = this.#body.read(buffer, from, to, this, scanner, this.#trailers);
    if (at === REFUSED) {
      this.#refuseBody();
      return REFUSED;
    }
    if (this.#body.done) this.#requestEnded();
    return at;
  }

  readonly #trailers = (): FieldBlock => (this.#trailerBlock ??= new FieldBlock());

  /** Data of the request's body, from its reader. */
  bodyData(buffer: Buffer, from: number, to: number): void {
    if (this.#small !== undefined) {
      buffer.copy(this.#small, this.#smallLength, from, to);
      this.#smallLength += to - from;
    } else this.#exchange?.requestData(buffer, from, to);
  }

  #requestEnded(): void {
    this.#requestDone = true;
    const exchange = this.#exchange;
    if (exchange === undefined) {
      // The answer came before the body was whole, and now it is.
      return;
    }
    exchange.requestComplete = true;
    if (this.#small !== undefined) {
      exchange.body = this.#small;
      this.#small = undefined;
      this.#context.accept(exchange);
    } else exchange.requestEnd(this.#body.trailers);
  }

  // A fault in a body that is already on its way: the endpoint must not take it for whole.
  #refuseBody(): void {
    const exchange = this.#exchange;
    this.#requestDone = true;
    this.#last = true;
    if (this.#small !== undefined) {
      this.#small = undefined;
      this.#exchange = undefined;
      this.#refuse("E_BAD_REQUEST", this.#body.reason);
    } else exchange?.fail(new ProxyError("E_BAD_REQUEST", this.#body.reason));
  }

  // What never became a request: an answer, and the end of the connection (RFC 9112 §2.2, §3).
  #refuse(code: ErrorCode, reason: string): number {
    this.#last = true;
    this.#answering = true;
    this.#context.stats.refused(code);
    const { head, body } = this.#context.refusal(new ProxyError(code, reason));
    this.#minor = 1;
    this.#output.text(statusLine(head) + showFields(head.headers) + "connection: close\r\n\r\n");
    this.#output.data("", body, 0, body.length, "");
    this.#output.flush();
    this.#linger();
    return REFUSED;
  }

  // === CallerStream: the answer ===

  get congested(): boolean {
    return this.#output.congested;
  }

  interim(head: ResponseHead): void {
    if (this.#minor === 0 || this.#answering) return; // RFC 9110 §15.2
    this.#output.text(statusLine(head) + showFields(head.headers) + "\r\n");
    this.flush();
  }

  respond(head: ResponseHead): void {
    this.#answering = true;
    this.#writtenAt = performance.now();
    if (head.status === 101) {
      this.#tunnel = true;
      this.#last = true;
      this.#requestDone = false;
      this.#body.startUntilClose();
      this.#output.text(
        statusLine(head) + showFields(head.headers) + "connection: upgrade\r\nupgrade: websocket\r\n\r\n",
      );
      return;
    }
    // An answer before the end of the request ends the connection: what follows cannot be told from the body.
    if (!this.#requestDone) this.#last = true;
    const bodiless = this.#exchange!.method === "HEAD" || head.status === 204 || head.status === 304;
    this.#chunking = head.bodyLength === -1 && !bodiless;
    if (this.#chunking && this.#minor === 0) {
      this.#chunking = false;
      this.#gathered = { head, data: [], bytes: 0 };
      return;
    }
    this.#output.text(
      statusLine(head) +
        showFields(head.headers) +
        this.#connectionField() +
        (this.#chunking ? "transfer-encoding: chunked\r\n\r\n" : "\r\n"),
    );
  }

  #connectionField(): string {
    if (this.#last) return "connection: close\r\n";
    return this.#minor === 0 ? "connection: keep-alive\r\n" : "";
  }

  data(buffer: Buffer, from: number, to: number): void {
    if (this.#gathered !== undefined) this.#gather(buffer, from, to);
    else if (this.#chunking) this.#output.data((to - from).toString(16) + "\r\n", buffer, from, to, "\r\n");
    else this.#output.data("", buffer, from, to, "");
  }

  // HTTP/1.0 knows no chunks: a short answer is given a length, a long one ends with the connection.
  #gather(buffer: Buffer, from: number, to: number): void {
    const gathered = this.#gathered!;
    gathered.data.push(Buffer.from(buffer.subarray(from, to)));
    gathered.bytes += to - from;
    if (gathered.bytes <= gatherBytes) return;
    this.#last = true;
    this.#writeGathered("");
  }

  #writeGathered(length: string): void {
    const { head, data } = this.#gathered!;
    this.#gathered = undefined;
    this.#output.text(
      statusLine(head) + showFields(head.headers) + length + this.#connectionField() + "\r\n",
    );
    for (const part of data) this.#output.data("", part, 0, part.length, "");
  }

  end(trailers: Headers | undefined): void {
    if (this.#gathered !== undefined) this.#writeGathered(`content-length: ${this.#gathered.bytes}\r\n`);
    else if (this.#chunking)
      this.#output.text(trailers === undefined ? "0\r\n\r\n" : "0\r\n" + showTrailers(trailers) + "\r\n");
    this.#output.flush();
    this.#exchange = undefined;
    if (this.#tunnel) this.#socket.end();
    else if (this.#last) this.#linger();
    else {
      this.#idleSince = this.#writtenAt;
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
    this.#last = true;
    // An answer up to the close, or none yet, must end in a reset: an orderly end would make it look whole.
    if (this.#tunnel || this.#minor === 0 || !this.#answering) this.#socket.resetAndDestroy();
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
    if (!this.#processing) this.#goOn();
  }

  // === Ends ===

  #linger(): void {
    this.#lingering = true;
    this.#idleSince = performance.now();
    this.#ahead = undefined;
    this.#resume();
    this.#socket.end();
  }

  // The caller has closed its side. In a tunnel that is its last word; otherwise it wants no answer any more.
  #ended(): void {
    if (this.#gone) return;
    if (this.#tunnel && !this.#requestDone) {
      this.#requestDone = true;
      this.#exchange?.requestEnd(undefined);
      this.#exchange?.flushRequest();
    } else if (this.#exchange === undefined && this.#socket.writableLength > 0) this.#socket.end();
    else this.#socket.destroy();
  }

  #closed(): void {
    this.#gone = true;
    this.#ahead = undefined;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#context.stats.closed(
      performance.now() - this.#openedAt,
      this.#served,
      this.#received,
      this.#socket.bytesWritten,
    );
    this.#context.closed(this);
    exchange?.callerGone();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#readAt = performance.now();
    this.#socket.resume();
  }

  sweep(nowMs: number): void {
    const context = this.#context;
    if (this.#lingering) {
      if (nowMs - this.#idleSince > lingerMs && this.#socket.writableLength === 0) this.#socket.destroy();
      else this.#sweepWriting(nowMs);
      return;
    }
    if (this.#tunnel) {
      if (over(nowMs - Math.max(this.#readAt, this.#writeProgress(nowMs)), context.idleTimeoutMs))
        this.#socket.destroy();
      return;
    }
    if (this.#exchange === undefined) this.#sweepIdle(nowMs);
    else if (!this.#requestDone && !this.#paused && over(nowMs - this.#readAt, context.bodyTimeoutMs)) {
      this.#last = true;
      this.#requestDone = true;
      if (this.#small !== undefined) {
        this.#small = undefined;
        this.#exchange = undefined;
        this.#refuse("E_REQUEST_TIMEOUT", "the request's body did not arrive in time");
      } else
        this.#exchange.fail(new ProxyError("E_REQUEST_TIMEOUT", "the request's body did not arrive in time"));
    } else this.#sweepWriting(nowMs);
  }

  #sweepIdle(nowMs: number): void {
    const { headTimeoutMs, idleTimeoutMs, lifeTimeoutMs } = this.#context;
    const begun = this.#ahead !== undefined || this.#emptyLines > 0;
    if (begun && over(nowMs - this.#headSince, headTimeoutMs))
      this.#refuse("E_REQUEST_TIMEOUT", "the request's head did not arrive in time");
    else if (
      this.#served === 0 &&
      this.#received === 0 &&
      over(nowMs - this.#openedAt, least(headTimeoutMs, idleTimeoutMs))
    )
      this.#socket.destroy();
    else if (!begun && this.#served > 0 && over(nowMs - this.#idleSince, idleTimeoutMs))
      this.#socket.end(() => this.#socket.destroy());
    else if (!begun && over(nowMs - this.#openedAt, lifeTimeoutMs))
      this.#socket.end(() => this.#socket.destroy());
    else this.#sweepWriting(nowMs);
  }

  #sweepWriting(nowMs: number): void {
    if (this.#socket.writableLength === 0) this.#writtenAt = nowMs;
    else if (over(nowMs - this.#writeProgress(nowMs), this.#context.writeTimeoutMs)) this.#socket.destroy();
  }

  // When the socket last took bytes from its queue.
  #writeProgress(nowMs: number): number {
    const written = this.#socket.bytesWritten - this.#socket.writableLength;
    if (written !== this.#lastWritten) {
      this.#lastWritten = written;
      this.#writtenAt = nowMs;
    }
    return this.#writtenAt;
  }
}

/** A limit of 0 is none. */
const over = (elapsedMs: number, limitMs: number): boolean => limitMs > 0 && elapsedMs > limitMs;

const least = (a: number, b: number): number => (a === 0 ? b : b === 0 ? a : Math.min(a, b));
