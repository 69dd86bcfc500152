/**
 * Errors of the request path: one table from a stable code to its status, and the error that carries a code.
 *
 * Statuses follow Linkerd 1 (router/http ErrorResponder.scala): 400 for what the caller got wrong, 502 for a name
 * or an endpoint that cannot be reached, 503 for a timeout or an overload.
 */

/** What a code means to the caller. */
export interface ErrorKind {
  /** HTTP status of the answer. */
  readonly status: number;
  /** True if the request provably never reached a backend, so that anybody may send it again. */
  readonly retryable: boolean;
  /** The stage of the request path that failed. */
  readonly stage: "receive" | "identify" | "delegate" | "bind" | "balance" | "connect" | "respond";
  /** One sentence for docs/errors.md. */
  readonly meaning: string;
}

const kind = (status: number, stage: ErrorKind["stage"], retryable: boolean, meaning: string): ErrorKind => ({
  status,
  stage,
  retryable,
  meaning,
});

/** Every code of the request path; docs/errors.md is tested against it. */
export const errorKinds = {
  E_BAD_REQUEST: kind(400, "receive", false, "The request is malformed or its framing is ambiguous."),
  E_LINE_TOO_LONG: kind(414, "receive", false, "The request line is longer than maxInitialLineKB."),
  E_HEADERS_TOO_LARGE: kind(431, "receive", false, "The header section is larger than maxHeadersKB."),
  E_BODY_TOO_LARGE: kind(413, "receive", false, "The body is larger than a buffered message may be."),
  E_REQUEST_TIMEOUT: kind(408, "receive", false, "The request did not arrive in time."),
  E_NOT_IMPLEMENTED: kind(
    501,
    "receive",
    false,
    "The request needs something this proxy does not implement.",
  ),
  E_EXPECTATION: kind(417, "receive", false, "The request expects something other than 100-continue."),
  E_VERSION: kind(505, "receive", false, "The HTTP version is not supported."),
  E_FORBIDDEN: kind(403, "receive", false, "The caller is not among the server's allowedIdentities."),
  E_OVERLOADED: kind(503, "receive", true, "The server is at maxConcurrentRequests."),
  E_HOP_LIMIT: kind(
    400,
    "identify",
    false,
    "The request went through more proxies than maxCallDepth allows.",
  ),
  E_BAD_DTAB: kind(400, "identify", false, "l5d-dtab or l5d-ctx-dtab is not a dtab."),
  E_UNIDENTIFIED: kind(400, "identify", false, "No identifier could name the request."),
  E_NOT_READY: kind(503, "identify", true, "What an identifier goes by is not known yet."),
  E_DELEGATION_LOOP: kind(502, "delegate", false, "The dtab delegates a name to itself, or too deep."),
  E_BIND_FAILED: kind(502, "bind", false, "A namer failed and has no earlier answer to fall back on."),
  E_BIND_TIMEOUT: kind(502, "bind", false, "The name was not resolved within bindingTimeoutMs."),
  E_NO_ROUTE: kind(502, "bind", false, "The name resolves to nothing: no rule or namer knows it."),
  E_NO_ENDPOINTS: kind(502, "balance", false, "The name is bound, and its set of endpoints is empty."),
  E_POOL_FULL: kind(503, "balance", true, "hostConnectionPool allows no further connection or waiter."),
  E_HELD_BACK: kind(
    502,
    "balance",
    false,
    "The endpoints refuse most requests, so a part of them is not sent.",
  ),
  E_MARKED_DOWN: kind(
    502,
    "connect",
    true,
    "The endpoint could not be connected to; failFast tries it again in the background.",
  ),
  E_CONNECT: kind(502, "connect", true, "No connection to the endpoint could be made."),
  E_CONNECT_TIMEOUT: kind(502, "connect", true, "The endpoint did not accept the connection in time."),
  E_TLS: kind(
    502,
    "connect",
    true,
    "The endpoint failed a check of TLS, or the two sides could not agree on it.",
  ),
  E_WRITE: kind(502, "connect", true, "The endpoint went away before the whole request was written to it."),
  E_CONNECTION_CLOSED: kind(502, "respond", false, "The endpoint closed the connection before it answered."),
  E_NACK: kind(
    502,
    "respond",
    true,
    "The endpoint refused the request unprocessed, and it may be sent to no further one.",
  ),
  E_BAD_RESPONSE: kind(
    502,
    "respond",
    false,
    "The endpoint's answer is malformed or its framing is ambiguous.",
  ),
  E_RESPONSE_TIMEOUT: kind(
    504,
    "respond",
    false,
    "The endpoint said nothing, or took nothing, for longer than its socket's time-out.",
  ),
  E_ATTEMPT_TIMEOUT: kind(503, "respond", false, "One attempt took longer than requestAttemptTimeoutMs."),
  E_TOTAL_TIMEOUT: kind(
    503,
    "respond",
    false,
    "The request with its retries took longer than totalTimeoutMs.",
  ),
  E_SERVER_TIMEOUT: kind(503, "respond", false, "The request took longer than the server's timeoutMs."),
  E_DEADLINE: kind(503, "respond", false, "The deadline that the caller set has passed."),
  E_CANCELLED: kind(499, "respond", false, "The caller went away; nobody sees this answer."),
  E_BUG: kind(500, "respond", false, "A bug: this request failed, the daemon goes on."),
} as const satisfies Record<string, ErrorKind>;

/** A code of the table. */
export type ErrorCode = keyof typeof errorKinds;

/** A request that failed; it carries no stack, for it is expected and frequent. */
export class ProxyError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = limit;
    this.name = "ProxyError";
    this.code = code;
  }

  /** What the code means. */
  get kind(): ErrorKind {
    return errorKinds[this.code];
  }
}
