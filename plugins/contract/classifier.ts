/** The slot `classifier`: how a finished attempt is judged. */
import type { ProxyError } from "../errors.ts";

/** A finished attempt. */
export interface Attempt {
  readonly method: string;
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  readonly error: ProxyError | undefined;
  /** The first value of a response header; the name in lower case. */
  responseHeader(name: string): string | undefined;
}

/** How an attempt is judged. */
export type ResponseClass = "success" | "retryable" | "failure";

/** Judges attempts; undefined leaves it to the base rules. */
export interface Classifier {
  classify(attempt: Attempt): ResponseClass | undefined;
}
