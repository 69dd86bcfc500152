/** Conformance area classifiers-http: how attempts over HTTP are judged. */
import assert from "node:assert/strict";
import { classifyAttempt, readSuccessClass } from "../../../daemon/data/router/classify.ts";
import type { Attempt, ResponseClass } from "../../../plugins/contract.ts";
import { type ErrorCode, ProxyError } from "../../../plugins/errors.ts";
import { classifierOf } from "../../kit/classifiers.ts";
import { HeaderList } from "../../kit/header-list.ts";

interface Outcome {
  readonly status?: number;
  readonly headers?: readonly (readonly [string, string])[];
  readonly exception?: string;
}

interface Case {
  readonly op: "classifier" | "service";
  readonly kind: string;
  readonly methods: readonly string[];
  readonly responses: readonly Outcome[];
  readonly requestChunked?: boolean;
  readonly expect: { readonly class: string };
}

/** What the exceptions of the reference are here. */
const codes: Readonly<Record<string, ErrorCode>> = {
  timeout: "E_RESPONSE_TIMEOUT",
  request_timeout: "E_ATTEMPT_TIMEOUT",
  channel_closed: "E_CONNECTION_CLOSED",
  write_exception: "E_WRITE",
  connection_failed: "E_CONNECT",
  framing: "E_BAD_RESPONSE",
  exception: "E_BUG",
};

const names: Readonly<Record<ResponseClass, string>> = {
  success: "success",
  retryable: "retryableFailure",
  failure: "nonRetryableFailure",
};

function attemptOf(method: string, outcome: Outcome): Attempt {
  const headers = new HeaderList(outcome.headers);
  const code = outcome.exception === undefined ? undefined : codes[outcome.exception];
  assert.ok(
    outcome.exception === undefined || code !== undefined,
    `exception ${outcome.exception} is not known`,
  );
  return {
    method,
    status: outcome.status,
    error: code && new ProxyError(code, outcome.exception!),
    responseHeader: (name) => headers.first(name),
  };
}

function judge({ op, kind, requestChunked }: Case, attempt: Attempt): string {
  if (kind === "l5d-success-class") {
    const part = readSuccessClass(attempt.responseHeader("l5d-success-class"));
    if (part === undefined) return "unclassified";
    return part === 1 ? "success" : part > 0 ? `successful:${part}` : "nonRetryableFailure";
  }
  if (op === "service") return names[classifyAttempt(classifierOf(kind), attempt, requestChunked === true)];
  const judged = classifierOf(kind)?.classify(attempt);
  return judged === undefined ? "unclassified" : names[judged];
}

export default function check(given: Case): void {
  for (const method of given.methods) {
    for (const response of given.responses) {
      const shown = `${method} ${JSON.stringify(response)}`;
      assert.equal(judge(given, attemptOf(method, response)), given.expect.class, shown);
    }
  }
}
