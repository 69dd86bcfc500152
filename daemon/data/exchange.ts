/**
 * One request and its answer, between the caller's stream and the endpoint's: it passes data and back-pressure from
 * one to the other and tells its handler, the router, what happens.
 *
 * Order of events: accept → (attempt → answered → data → end), and several attempts if the router says so. `finished`
 * comes exactly once, whatever happens. The states of both directions depend on each other, so they are in one file.
 */
import { ProxyError } from "../../plugins/errors.ts";
import { reportBug } from "./bugs.ts";
import type { CallerStream, EndpointStream, ResponseHead } from "./exchange-streams.ts";
import type { Headers } from "./headers.ts";
import type { Place } from "./line.ts";

/**
 * How far an attempt got that broke: `unsent`: the endpoint has seen nothing of it; `stale`: its connection had served
 * before and died without a byte of the answer; `sent`: the endpoint may have processed it; `answering`: it has begun
 * to answer.
 */
export type Progress = "unsent" | "stale" | "sent" | "answering";

/** What the router does about one exchange. */
export interface ExchangeHandler {
  /** The head of an answer; the handler passes it on with `exchange.respond`, or takes another attempt. */
  answered(head: ResponseHead): void;
  /** The attempt failed before it was answered. */
  attemptFailed(error: ProxyError, progress: Progress): void;
  /** The request failed for good, without an answer so far. */
  failed(error: ProxyError): void;
  /** Over: the answer has ended, was cut, or nobody wants it; `error` in the last two cases. */
  finished(error: ProxyError | "gone" | undefined): void;
}

/** Changes an answer's body on its way, e.g. compresses it; it calls `emitData` and `emitEnd`. */
export interface BodyTransform {
  data(buffer: Buffer, from: number, to: number): void;
  end(trailers: Headers | undefined): void;
  readonly congested: boolean;
  /** The caller takes more again. */
  resume(): void;
  close(): void;
}

/** A request on its way. */
export class Exchange {
  readonly caller: CallerStream;
  readonly method: string;
  /** Origin-form or `*`; identifiers may rewrite it. */
  target: string;
  readonly version: "1.0" | "1.1" | "2";
  readonly headers: Headers;
  /** Bytes of the request's body; -1 if its end is not known beforehand. */
  bodyLength: number;
  /** The whole body, where it is small: such a request can be sent again. */
  body: Buffer | undefined = undefined;
  /** The whole request has arrived. */
  requestComplete = false;
  /** The caller waits for a 100: the body is held back until the endpoint wants it. */
  expectsContinue = false;
  upgrade = false;
  /** False if no `Accept-Encoding` can be there. */
  mayAcceptEncoding = true;
  /** Of an absolute-form target. */
  scheme: "http" | "https" | undefined = undefined;

  /** Bytes of a streamed body that are kept while it may be sent again; set before the first attempt. */
  replayBytes = 0;

  /** Set by the router when it accepts the exchange. */
  handler: ExchangeHandler | undefined = undefined;
  transform: BodyTransform | undefined = undefined;

  /** A head has gone to the caller. */
  responded = false;
  finished = false;

  #stream: EndpointStream | undefined = undefined;
  /** In line for a connection. */
  #place: Place<Exchange> | undefined = undefined;
  /** Body data that came before there was a stream. */
  #held: Buffer[] | undefined = undefined;
  #ended = false;
  #trailers: Headers | undefined = undefined;
  #bodySent = false;
  /** All that was sent of a streamed body so far; undefined if it was nothing, or too much to be kept. */
  #kept: Buffer[] | undefined = undefined;
  #keptBytes = 0;

  constructor(
    caller: CallerStream,
    method: string,
    target: string,
    version: "1.0" | "1.1" | "2",
    headers: Headers,
    bodyLength: number,
  ) {
    this.caller = caller;
    this.method = method;
    this.target = target;
    this.version = version;
    this.headers = headers;
    this.bodyLength = bodyLength;
  }

  /** The first value of a header; the name in lower case. */
  header(name: string): string | undefined {
    return this.headers.first(name);
  }

  /** An endpoint's stream has the request. */
  get sending(): boolean {
    return this.#stream !== undefined;
  }

  /** The request can be sent once more: all of its body is still here. */
  get replayable(): boolean {
    return this.bodyLength === 0 || this.body !== undefined || !this.#bodySent || this.#kept !== undefined;
  }

  // === From the caller ===

  requestData(buffer: Buffer, from: number, to: number): void {
    if (this.finished) return;
    if (this.#stream === undefined || this.expectsContinue) {
      (this.#held ??= []).push(Buffer.from(buffer.subarray(from, to)));
      this.caller.pauseBody();
      return;
    }
    this.#sendData(this.#stream, buffer, from, to);
    if (this.#stream.congested) this.caller.pauseBody();
  }

  #sendData(stream: EndpointStream, buffer: Buffer, from: number, to: number): void {
    if (this.replayBytes > 0 && !this.responded) this.#keep(buffer, from, to);
    this.#bodySent = true;
    stream.data(buffer, from, to);
  }

  // Keeps what is sent for a further attempt, until it is too much.
  #keep(buffer: Buffer, from: number, to: number): void {
    if (this.#bodySent && this.#kept === undefined) return;
    this.#keptBytes += to - from;
    if (this.#keptBytes > this.replayBytes) this.#kept = undefined;
    else (this.#kept ??= []).push(Buffer.from(buffer.subarray(from, to)));
  }

  requestEnd(trailers: Headers | undefined): void {
    this.requestComplete = true;
    this.#ended = true;
    this.#trailers = trailers;
    if (!this.expectsContinue) this.#stream?.end(trailers);
  }

  /** Writes what of the request has been passed on. */
  flushRequest(): void {
    this.#stream?.flush();
  }

  callerDrained(): void {
    this.transform?.resume();
    if (!this.callerCongested) this.#stream?.resumeBody();
  }

  /** The caller's connection is gone. */
  callerGone(): void {
    this.#close("gone");
  }

  // === To and from the endpoint ===

  /** It waits for a connection; in one line at a time, or two endpoints would get the request. */
  queued(place: Place<Exchange>): void {
    this.#place = place;
  }

  /** An endpoint's stream has taken the request; it is given the body so far. */
  attached(stream: EndpointStream): void {
    this.#place = undefined;
    this.#stream = stream;
    if (this.expectsContinue) {
      if (!this.requestComplete && this.#held === undefined) this.caller.resumeBody();
    } else this.#sendBody(stream);
  }

  #sendBody(stream: EndpointStream): void {
    const held = this.#held;
    this.#held = undefined;
    if (this.#kept !== undefined) for (const data of this.#kept) stream.data(data, 0, data.length);
    if (held !== undefined) for (const data of held) this.#sendData(stream, data, 0, data.length);
    if (this.#ended && this.body === undefined && this.bodyLength !== 0) stream.end(this.#trailers);
    if (!this.requestComplete && !stream.congested) this.caller.resumeBody();
  }

  /** The endpoint wants the body, or has had time enough to say that it does not. */
  sendExpected(): void {
    if (!this.expectsContinue) return;
    this.expectsContinue = false;
    if (this.#stream === undefined) return;
    this.#sendBody(this.#stream);
    this.#stream.flush();
  }

  /** Gives the present attempt up: the endpoint's stream is cut, or its place in the line for one. */
  abandonAttempt(): void {
    const stream = this.#stream;
    this.#detach();
    stream?.cancel();
  }

  /** Gives up an attempt whose answer is not wanted, for another one. */
  discardAnswer(): void {
    const stream = this.#stream;
    this.#detach();
    stream?.discard();
  }

  // What an attempt left behind must not touch the next one's answer.
  #detach(): void {
    this.#stream = undefined;
    this.#place?.leave();
    this.#place = undefined;
    if (this.responded) return;
    this.transform?.close();
    this.transform = undefined;
  }

  endpointDrained(): void {
    if (!this.requestComplete) this.caller.resumeBody();
  }

  interim(head: ResponseHead): void {
    if (this.finished) return;
    // A 100 is for who asked for it, once; hints are passed on.
    if (head.status !== 100) this.caller.interim(head);
    else if (this.expectsContinue) {
      this.caller.interim(head);
      this.sendExpected();
    }
  }

  // The caller's stream may carry another exchange once this one is over, so nothing passes after that.
  answered(head: ResponseHead): void {
    if (!this.finished) this.handler!.answered(head);
  }

  /** Sends the head of the answer to the caller. */
  respond(head: ResponseHead): void {
    this.responded = true;
    this.#kept = undefined;
    if (head.status === 101) this.requestComplete = false;
    this.caller.respond(head);
  }

  answerData(buffer: Buffer, from: number, to: number): void {
    if (this.finished) return;
    if (this.transform === undefined) this.caller.data(buffer, from, to);
    else this.transform.data(buffer, from, to);
  }

  answerEnd(trailers: Headers | undefined): void {
    this.#stream = undefined;
    if (this.finished) return;
    if (this.transform === undefined) this.emitEnd(trailers);
    else this.transform.end(trailers);
  }

  /** The end of the answer to the caller. */
  emitEnd(trailers: Headers | undefined): void {
    if (this.finished) return;
    this.finished = true;
    this.handler!.finished(undefined);
    this.caller.end(trailers);
  }

  /** Writes what of the answer has been passed on. */
  flushAnswer(): void {
    this.caller.flush();
  }

  /** The answer comes faster than it goes. */
  get callerCongested(): boolean {
    return this.caller.congested || (this.transform?.congested ?? false);
  }

  /** The endpoint's stream broke. */
  endpointFailed(error: ProxyError, progress: Progress): void {
    this.#detach();
    if (this.finished) return;
    if (this.responded) this.#cut(error);
    else this.handler!.attemptFailed(error, progress);
  }

  // === Ends ===

  /** Fails the exchange: an error answer, or a visible cut if the answer has begun. */
  fail(error: ProxyError): void {
    if (this.finished) return;
    this.abandonAttempt();
    if (this.responded) this.#cut(error);
    else this.handler!.failed(error);
  }

  /** A bug was met on its way: it fails, even if failing meets another one. */
  broke(thrown: unknown): void {
    try {
      this.fail(new ProxyError("E_BUG", "a bug stopped the request", { cause: thrown }));
    } catch (further) {
      reportBug("the failure of a request", further);
      if (this.finished) return;
      this.finished = true;
      this.handler?.finished(new ProxyError("E_BUG", "a bug stopped the request", { cause: thrown }));
      this.caller.cut();
    }
  }

  #cut(error: ProxyError): void {
    this.finished = true;
    this.transform?.close();
    this.handler!.finished(error);
    this.caller.cut();
  }

  #close(reason: "gone"): void {
    if (this.finished) return;
    this.finished = true;
    this.abandonAttempt();
    this.transform?.close();
    this.#held = undefined;
    this.handler?.finished(reason);
  }
}
