/** Answers that this proxy makes itself: a status, `l5d-err`, and a text that tells what failed and why. */
import { ProxyError } from "../../../plugins/errors.ts";
import type { Exchange } from "../exchange.ts";
import type { ResponseHead } from "../exchange-streams.ts";
import { HeaderList } from "../header-list.ts";
import { reasonOf } from "../reason-phrases.ts";
import { encodeError, limitErrorBody } from "./error-header.ts";
import { errorText, type Failure } from "./error-text.ts";

/** Limits of what an error may say. */
export interface ErrorLimits {
  /** Characters of `l5d-err`. */
  readonly headerChars: number;
  readonly maxErrResponseKB: number;
}

/** The answer to a failure. */
export function errorAnswer(
  error: ProxyError,
  failure: Failure,
  limits: ErrorLimits,
): { head: ResponseHead; body: Buffer } {
  const text = errorText(failure);
  const body = Buffer.from(limitErrorBody(text, limits.maxErrResponseKB), "utf8");
  const headers = new HeaderList([["content-type", "text/plain"]]);
  if (error.code === "E_OVERLOADED") {
    // A Finagle client takes it for a nack and goes elsewhere; it is no error of the exchange.
    headers.append("finagle-http-nack", "true");
    headers.append("retry-after", "0");
  } else {
    headers.append("l5d-err", encodeError(text, limits.headerChars));
    if (error.kind.retryable) headers.append("l5d-retryable", "true");
  }
  headers.append("date", new Date().toUTCString());
  headers.append("content-length", String(body.length));
  return { head: ownHead(error.kind.status, headers, body.length), body };
}

/** A head of our own making. */
export const ownHead = (status: number, headers: HeaderList, bodyLength: number): ResponseHead => ({
  status,
  reason: reasonOf(status),
  version: "1.1",
  headers,
  bodyLength,
});

/** Gives a whole answer of our own to an exchange. */
export function giveAnswer(exchange: Exchange, head: ResponseHead, body: Buffer): void {
  exchange.respond(head);
  if (exchange.method !== "HEAD" && body.length > 0) exchange.caller.data(body, 0, body.length);
  exchange.emitEnd(undefined);
}

/** Gives an exchange nothing but a text. */
export function giveText(exchange: Exchange, status: number, text: string): void {
  const body = Buffer.from(text);
  const headers = new HeaderList([
    ["content-type", "text/plain"],
    ["content-length", String(body.length)],
  ]);
  giveAnswer(exchange, ownHead(status, headers, body.length), body);
}

/** Anything thrown on the request path as a ProxyError; a bug fails its request only. */
export const asProxyError = (thrown: unknown): ProxyError =>
  thrown instanceof ProxyError
    ? thrown
    : new ProxyError("E_BUG", thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
