/** How a finished attempt is judged: the service's classifier, the base rules, and the two layers around them. */
import type { Attempt, Classifier, ResponseClass } from "../../../plugins/contract.ts";
import { serverErrorClass } from "../../../plugins/lib/http-classes.ts";

/**
 * The class of an attempt. `classifier` is the service's own, `streamed` says that the request's body was passed on
 * without being kept, so that it cannot be sent again.
 */
export function classifyAttempt(
  classifier: Classifier | undefined,
  attempt: Attempt,
  streamed: boolean,
): ResponseClass {
  let judged = classifier?.classify(attempt) ?? baseClass(attempt);
  if (judged === "failure" && saysRetryable(attempt)) judged = "retryable";
  return judged === "retryable" && streamed ? "failure" : judged;
}

/** What holds without a classifier: 5xx and no answer are failures; a 503 that was never processed is retryable. */
export const baseClass = (attempt: Attempt): ResponseClass =>
  attempt.status === undefined ? "failure" : (serverErrorClass(attempt) ?? "success");

/** The backend itself allows a retry, for any method. */
const saysRetryable = (attempt: Attempt): boolean =>
  attempt.status !== undefined && attempt.responseHeader("l5d-retryable")?.toLowerCase() === "true";

/** The value of `l5d-success-class` for an answer of this class. */
export const successClassText = (judged: ResponseClass): "1.0" | "0.0" =>
  judged === "success" ? "1.0" : "0.0";

/** The part of a success that `l5d-success-class` claims, 0 for what makes no sense; undefined if it is absent. */
export function readSuccessClass(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const part = value.trim() === "" ? Number.NaN : Number(value);
  return part > 0 ? Math.min(1, part) : 0;
}

/** Whether an answer is a success to the server's metrics: the hop below knows best, else the status says it. */
export function isServerSuccess(status: number, successClass: string | undefined): boolean {
  const part = readSuccessClass(successClass);
  return part === undefined ? status < 500 : part > 0;
}
