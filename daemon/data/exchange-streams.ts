/**
 * What a codec offers to the exchange on either side of it. Both sides speak of heads, data, ends and cuts; what a
 * chunk, a frame or a connection header is stays inside the codec.
 */
import type { Headers } from "./headers.ts";

/** The head of an answer. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly version: "1.0" | "1.1" | "2";
  readonly headers: Headers;
  /** Bytes of the body; -1 if its end is not known beforehand. */
  readonly bodyLength: number;
}

/** One end of a connection. */
export interface SocketAddress {
  readonly ip: string | undefined;
  readonly port: number | undefined;
}

/** What a caller's certificate says of it. */
export interface CallerPeer {
  /** Its SPIFFE id, if it has one. */
  readonly identity: string | undefined;
  /** What endpoints may be told: `x-forwarded-client-cert`. */
  readonly forwarded: string;
}

/** The caller's side of an exchange: where the answer goes. Data views are valid only during the call. */
export interface CallerStream {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  /** Of the certificate that the caller showed, if it showed one. */
  readonly peer?: CallerPeer | undefined;
  /** A 1xx, before the answer. */
  interim(head: ResponseHead): void;
  /** The head of the answer; 101 makes a tunnel of both directions. */
  respond(head: ResponseHead): void;
  data(buffer: Buffer, from: number, to: number): void;
  end(trailers: Headers | undefined): void;
  /** The answer cannot be completed: the caller must see that it is cut. */
  cut(): void;
  /** Writes what the calls above have gathered. */
  flush(): void;
  /** More is queued than the caller takes; `exchange.callerDrained()` follows. */
  readonly congested: boolean;
  pauseBody(): void;
  resumeBody(): void;
}

/** The endpoint's side of an exchange: where the request goes. Data views are valid only during the call. */
export interface EndpointStream {
  data(buffer: Buffer, from: number, to: number): void;
  end(trailers: Headers | undefined): void;
  /** Nobody wants the answer any more. */
  cancel(): void;
  /** Nobody wants the answer whose head has come; what is left of it may be read for the connection's sake. */
  discard(): void;
  flush(): void;
  /** More is queued than the endpoint takes; `exchange.endpointDrained()` follows. */
  readonly congested: boolean;
  pauseBody(): void;
  resumeBody(): void;
}
