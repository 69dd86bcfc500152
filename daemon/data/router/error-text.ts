/**
 * The text of every failure of the request path: Linkerd 1's wording first, for whoever greps for it, then our lines,
 * which name the stage, what was asked for, what was tried, and the rule or configuration line behind it.
 */
import { type ErrorCode, errorKinds } from "../../../plugins/errors.ts";
import { showDuration } from "./duration-text.ts";

/** What is known of a request that failed; whatever is absent is left out of the text. */
export interface Failure {
  readonly code: ErrorCode;
  /** What went wrong, in the words of whoever noticed: an identifier's reason, a parser's or a socket's message. */
  readonly message?: string | undefined;
  readonly method?: string | undefined;
  readonly target?: string | undefined;
  /** The caller, `ip:port`. */
  readonly from?: string | undefined;
  /** The logical name, e.g. `/svc/web`. */
  readonly service?: string | undefined;
  /** The bound id, e.g. `/#/io.l5d.fs/web`. */
  readonly client?: string | undefined;
  /** The client's endpoints, `ip:port`. */
  readonly addresses?: readonly string[] | undefined;
  /** The endpoint that was picked last. */
  readonly selected?: string | undefined;
  /** Earlier attempts, a line each: the endpoint and what became of it. */
  readonly tried?: readonly string[] | undefined;
  /** The router's dtab, one `prefix => tree` per entry. */
  readonly baseDtab?: readonly string[] | undefined;
  /** The request's own dtab, likewise. */
  readonly overrideDtab?: readonly string[] | undefined;
  /** The walk through the dtab that ended here, a line per step. */
  readonly why?: readonly string[] | undefined;
  /** Where the limit or rule stands, e.g. `linkerd.yaml:14:5 routers[0].bindingTimeoutMs`. */
  readonly rule?: string | undefined;
  /** The time that was exceeded. */
  readonly limitMs?: number | undefined;
  /** The number that was exceeded. */
  readonly limit?: number | undefined;
  /** The bound tree, where a binding timeout struck while connecting. */
  readonly tree?: string | undefined;
  /** The server, `ip/port`. */
  readonly server?: string | undefined;
}

/** The whole text; every line but the last ends in a line feed. */
export function errorText(failure: Failure): string {
  const lines = [...linkerdLines(failure), ""];
  const kind = errorKinds[failure.code];
  lines.push(`stage: ${kind.stage}`, `error: ${failure.code}: ${kind.meaning}`);
  addFact(lines, "request", failure.method && `${failure.method} ${failure.target ?? ""}`);
  addFact(lines, "service name", failure.service);
  addFact(lines, "client name", failure.client);
  addFact(lines, "addresses", failure.addresses && `[${failure.addresses.join(", ")}]`);
  addFact(lines, "selected address", failure.selected);
  addFact(lines, "cause", failure.message);
  addFact(lines, "rule", failure.rule);
  addList(lines, "tried", failure.tried);
  addList(lines, "why", failure.why);
  return lines.join("\n");
}

/** The first lines: what Linkerd 1 says in this case. */
export function linkerdLines(failure: Failure): string[] {
  const { code, message } = failure;
  switch (code) {
    case "E_UNIDENTIFIED": {
      const request = `Request("${failure.method ?? "?"} ${failure.target ?? "?"}", from /${failure.from ?? "unknown"})`;
      return [`Unknown destination: ${request} / ${message ?? "no identifier could name it"}`];
    }
    case "E_NO_ROUTE":
    case "E_NO_ENDPOINTS":
      return [
        "Unable to route request!",
        "",
        `service name: ${failure.service ?? "unknown"}`,
        // Always blank in Linkerd 1 as well; the two below are what it means.
        "dtab:",
        "base dtab:",
        ...indented(failure.baseDtab),
        "override dtab:",
        ...indented(failure.overrideDtab),
      ];
    case "E_CONNECT":
    case "E_CONNECT_TIMEOUT":
    case "E_MARKED_DOWN":
      return [
        `Unable to establish connection to ${failure.selected ?? "any endpoint"}.`,
        "",
        `service name: ${failure.service ?? "unknown"}`,
        `client name: ${failure.client ?? "unknown"}`,
        `addresses: [${failure.addresses?.join(", ") ?? ""}]`,
        `selected address: ${failure.selected ?? "none"}`,
      ];
    case "E_BIND_TIMEOUT": {
      const doing =
        failure.tree === undefined ? "resolving name:" : `connecting to ${failure.tree} for name:`;
      return [
        `Exceeded ${limitText(failure)} binding timeout while ${doing} ${failure.service ?? "unknown"}`,
      ];
    }
    case "E_ATTEMPT_TIMEOUT":
      return [timeoutText(failure, labelOf(failure.client), "an individual request, excluding retries")];
    case "E_TOTAL_TIMEOUT":
      return [timeoutText(failure, "unspecified", "the request, including retries (if applicable)")];
    case "E_SERVER_TIMEOUT":
      return [timeoutText(failure, failure.server ?? "unknown", "an individual request, excluding retries")];
    case "E_HOP_LIMIT":
      return [
        failure.limit === undefined
          ? (message ?? errorKinds[code].meaning)
          : `Maximum number of calls (${failure.limit}) has been exceeded. Please check for proxy loops.`,
      ];
    case "E_HELD_BACK":
      return ["Request not issued to the backend due to observed overload."];
    case "E_OVERLOADED":
      return ["Request was not processed by the server due to an error and is safe to retry"];
    default:
      return [message ?? errorKinds[code].meaning];
  }
}

const limitText = (failure: Failure): string =>
  failure.limitMs === undefined ? "the" : showDuration(failure.limitMs);

const labelOf = (id: string | undefined): string =>
  id === undefined ? "unknown" : id.startsWith("/") ? id.slice(1) : id;

function timeoutText(failure: Failure, label: string, what: string): string {
  const remote = failure.selected === undefined ? "Not Available" : remoteText(failure);
  return `exceeded ${limitText(failure)} to ${label} while waiting for a response for ${what}. Remote Info: ${remote}`;
}

const remoteText = (failure: Failure): string =>
  `Upstream Address: /${failure.from ?? "unknown"}, Downstream Address: /${failure.selected}, ` +
  `Downstream label: ${labelOf(failure.client)}`;

const indented = (lines: readonly string[] | undefined): string[] => (lines ?? []).map((line) => `  ${line}`);

/** Adds `name: value` unless it is unknown or Linkerd's own lines say it already. */
function addFact(lines: string[], name: string, value: string | undefined): void {
  if (value === undefined || value === "") return;
  const line = `${name}: ${value}`;
  if (!lines.includes(line) && lines[0] !== value) lines.push(line);
}

function addList(lines: string[], name: string, values: readonly string[] | undefined): void {
  if (values === undefined || values.length === 0) return;
  lines.push(`${name}:`);
  for (const value of values) lines.push(`  ${value}`);
}
