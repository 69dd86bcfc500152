/** Which attempts over HTTP may be repeated. */
import type { Attempt, Classifier, ResponseClass } from "../contract.ts";
import type { ErrorCode } from "../errors.ts";

/** Methods that change nothing. */
export const readMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Methods that may be repeated without changing more. */
export const idempotentMethods: ReadonlySet<string> = new Set([...readMethods, "PUT", "DELETE"]);

/** All the common methods; CONNECT and unknown ones are never repeated. */
export const allMethods: ReadonlySet<string> = new Set([...idempotentMethods, "POST", "PATCH"]);

/**
 * Failures without an answer that are like a 5xx. A connection that could not be made is not among them: that is a
 * matter of requeues, below the classifier.
 */
const retryableCodes: ReadonlySet<ErrorCode> = new Set([
  "E_ATTEMPT_TIMEOUT",
  "E_RESPONSE_TIMEOUT",
  "E_WRITE",
  "E_CONNECTION_CLOSED",
  "E_BAD_RESPONSE",
]);

/** A status of 500 to 599. */
export const isServerError = (status: number): boolean => status >= 500 && status <= 599;

/** How a 503 says that the request was turned away before it was looked at, if it does: may it be sent again? */
export function nackOf(attempt: Attempt): "retryable" | "final" | undefined {
  if (attempt.responseHeader("finagle-http-nonretryable-nack") !== undefined) return "final";
  const isNack =
    attempt.responseHeader("finagle-http-nack") !== undefined ||
    attempt.responseHeader("retry-after") === "0";
  return isNack ? "retryable" : undefined;
}

/** The base rule on answers: 5xx is a failure, retryable only if the request was never processed. */
export function serverErrorClass(attempt: Attempt): ResponseClass | undefined {
  if (attempt.status === undefined || !isServerError(attempt.status)) return undefined;
  return attempt.status === 503 && nackOf(attempt) === "retryable" ? "retryable" : "failure";
}

/** Calls 5xx answers and such failures retryable for some methods, and has no opinion on anything else. */
export const retryable5xx = (methods: ReadonlySet<string>): Classifier => ({
  classify({ method, status, error }: Attempt) {
    const failed =
      status === undefined ? error !== undefined && retryableCodes.has(error.code) : isServerError(status);
    return failed && methods.has(method) ? "retryable" : undefined;
  },
});
