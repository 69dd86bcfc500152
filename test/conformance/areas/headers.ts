/** Conformance area headers: what happens to header sections, operation by operation. */
import assert from "node:assert/strict";
import { defaultRetryBackoff } from "../../../daemon/data/client/backoff.ts";
import { splitAbsoluteTarget } from "../../../daemon/data/codec/h1/absolute-target.ts";
import { type FieldBlock, stripHopByHop } from "../../../daemon/data/codec/h1/field-block.ts";
import { Field } from "../../../daemon/data/codec/h1/known-fields.ts";
import { Bound } from "../../../daemon/data/router/binding.ts";
import { checkCallDepth } from "../../../daemon/data/router/call-depth.ts";
import { classifyAttempt, successClassText } from "../../../daemon/data/router/classify.ts";
import { clearRequestContext, clearResponseContext } from "../../../daemon/data/router/clear-context.ts";
import {
  type Deadline,
  showDeadline,
  strictest,
  takeDeadline,
  writeDeadline,
} from "../../../daemon/data/router/deadline.ts";
import {
  concatLocal,
  noLocalDtab,
  readLocalDtab,
  takeDtabHeaders,
  writeDtabHeader,
} from "../../../daemon/data/router/dtab-headers.ts";
import { encodeError, limitErrorBody } from "../../../daemon/data/router/error-header.ts";
import { forwardedValue, forwardedValueH2 } from "../../../daemon/data/router/forwarded.ts";
import {
  grpcStatusOfReset,
  grpcTrailers,
  type ResetReason,
  readGrpcStatus,
  resetOfGrpcStatus,
} from "../../../daemon/data/router/grpc-status.ts";
import { restoreHost, rewriteHost } from "../../../daemon/data/router/rewrite-host.ts";
import { Service, type ServiceSettings } from "../../../daemon/data/router/service.ts";
import { createTraceContext, isRecorded } from "../../../daemon/data/router/trace.ts";
import { addVia } from "../../../daemon/data/router/via.ts";
import { SharedScope } from "../../../daemon/data/shared-scope.ts";
import type { LabelerContext, TraceContext } from "../../../plugins/contract.ts";
import { ProxyError } from "../../../plugins/errors.ts";
import connectionRandom from "../../../plugins/labelers/connection-random.ts";
import ip from "../../../plugins/labelers/ip.ts";
import ipPort from "../../../plugins/labelers/ip-port.ts";
import requestRandom from "../../../plugins/labelers/request-random.ts";
import router from "../../../plugins/labelers/router.ts";
import fixed from "../../../plugins/labelers/static.ts";
import { readSampleRate } from "../../../plugins/lib/sample-rate.ts";
import { hexId, readHexWord } from "../../../plugins/lib/trace-text.ts";
import { defaultPropagator, readTrace } from "../../../plugins/propagators/default.ts";
import { classifierOf } from "../../kit/classifiers.ts";
import { fieldBlock, sortedFields } from "../../kit/field-block.ts";
import { pluginContext } from "../../kit/plugin-context.ts";

type Fields = readonly (readonly [name: string, value: string])[];

interface Message {
  readonly uri?: string;
  readonly version?: string;
  readonly status?: number;
  readonly headers?: Fields;
  readonly body?: string;
}

/** The input of a case; every operation reads its own keys. */
interface Case {
  readonly op: string;
  readonly headers?: Fields;
  readonly expect: Readonly<Record<string, unknown>>;
  readonly request?: Message;
  readonly response?: Message;
  readonly localDtab?: string;
  readonly current?: NanoDeadline;
  readonly deadline?: NanoDeadline;
  readonly value?: string;
  readonly trace?: Readonly<Record<string, string | boolean | number | null>>;
  readonly path?: string;
  readonly boundId?: string;
  readonly residual?: string;
  readonly classifier?: string;
  readonly method?: string;
  readonly by?: string;
  readonly for?: string;
  readonly kind?: string;
  readonly label?: string;
  readonly ip?: string;
  readonly port?: number;
  readonly max?: number;
  readonly header?: string;
  readonly nowMs?: string;
  readonly authority?: string | null;
  readonly message?: string;
  readonly maxHeaderSize?: number;
  readonly maxErrResponseSize?: number;
  readonly reset?: string;
}

interface NanoDeadline {
  readonly timestamp: string;
  readonly deadline: string;
}

const plainService: ServiceSettings = {
  classifier: undefined,
  retryBudget: { minRetriesPerSec: 10, percentCanRetry: 0.2, ttlSecs: 10 },
  retryBackoff: defaultRetryBackoff,
  totalTimeoutMs: 0,
  replayBytes: 0,
};

const labelers = [ip, ipPort, connectionRandom, requestRandom, router, fixed];

const resetNames: Readonly<Record<ResetReason, string>> = {
  cancel: "Reset.Cancel",
  closed: "Reset.Closed",
  enhanceYourCalm: "Reset.EnhanceYourCalm",
  internalError: "Reset.InternalError",
  refused: "Reset.Refused",
};

const resets: Readonly<Record<string, ResetReason>> = {
  reset_cancel: "cancel",
  reset_closed: "closed",
  reset_enhance_your_calm: "enhanceYourCalm",
  reset_internal: "internalError",
  reset_refused: "refused",
};

const versionOf = (message: Message | undefined): "1.0" | "1.1" =>
  message?.version === "HTTP/1.0" ? "1.0" : "1.1";
const headersOf = (message: Message | undefined): FieldBlock => fieldBlock(message?.headers);
const nanos = (given: NanoDeadline | undefined): Deadline | undefined =>
  given && { timestampNs: BigInt(given.timestamp), deadlineNs: BigInt(given.deadline) };
const words = (id: string): readonly [hi: number, lo: number] => [
  readHexWord(id, 0, 8),
  readHexWord(id, 8, 16),
];

const operations: Readonly<Record<string, (given: Case) => unknown>> = {
  dtab({ headers, localDtab }) {
    const list = fieldBlock(headers);
    try {
      const local = concatLocal(
        localDtab === undefined ? noLocalDtab : readLocalDtab(localDtab),
        takeDtabHeaders(list),
      );
      return { dtab: local.dtab.show(), remainingHeaders: sortedFields(list) };
    } catch (error) {
      assert.ok(error instanceof ProxyError, String(error));
      return { status: error.kind.status, "l5d-err": encodeError(error.message, 8192), body: error.message };
    }
  },
  "dtab-client"({ headers, localDtab }) {
    const list = fieldBlock(headers);
    writeDtabHeader(list, readLocalDtab(localDtab ?? ""));
    return { headers: sortedFields(list) };
  },
  deadline({ headers, current }) {
    const list = fieldBlock(headers);
    const found = strictest(nanos(current), takeDeadline(list));
    const deadline = found && { timestamp: String(found.timestampNs), deadline: String(found.deadlineNs) };
    return { deadline: deadline ?? null, remainingHeaders: sortedFields(list) };
  },
  "deadline-write": ({ deadline }) => ({ value: showDeadline(nanos(deadline)!) }),
  "deadline-client"({ headers, current }) {
    const list = fieldBlock(headers);
    writeDeadline(list, nanos(current));
    return { headers: sortedFields(list) };
  },
  "trace-read"({ value }) {
    const trace = createTraceContext();
    if (!readTrace(value!, trace)) return { trace: null };
    const shown = {
      traceId: hexId(trace.traceHi, trace.traceLo),
      parentId: hexId(trace.parentHi, trace.parentLo),
      spanId: hexId(trace.spanHi, trace.spanLo),
      traceIdHigh: trace.wide ? hexId(trace.rootHi, trace.rootLo) : null,
      sampled: isRecorded(trace) ?? null,
      flags: trace.flags >>> 0,
    };
    return { trace: shown };
  },
  "trace-write"({ trace }) {
    const headers = fieldBlock();
    defaultPropagator.write(traceOf(trace!), headers);
    return { "l5d-ctx-trace": headers.first("l5d-ctx-trace"), "l5d-reqid": headers.first("l5d-reqid") };
  },
  sample({ value }) {
    const rate = readSampleRate(value!);
    return { sample: Number.isNaN(rate) ? null : rate };
  },
  dst({ path, boundId, residual }) {
    const headers = fieldBlock();
    if (path !== undefined)
      headers.appendText(new Service(path, plainService, SharedScope.root(pluginContext().metrics)).field);
    if (boundId !== undefined) headers.appendText(new Bound(boundId, residual ?? "/").fields);
    return { headers: sortedFields(headers) };
  },
  "success-class"({ classifier, method, response }) {
    const headers = headersOf(response);
    const responseHeader = (name: string): string | undefined => headers.first(name);
    const attempt = { method: method ?? "GET", status: response!.status, error: undefined, responseHeader };
    return {
      "l5d-success-class": successClassText(classifyAttempt(classifierOf(classifier!), attempt, false)),
    };
  },
  via({ request, response }) {
    const outgoing = headersOf(request);
    const incoming = headersOf(response);
    // The reference adds an empty Host here; in the product the codec refuses such a request (RFC 9112 3.2).
    if (versionOf(request) === "1.1" && outgoing.first("host") === undefined) outgoing.set("host", "");
    addVia(outgoing, versionOf(request));
    addVia(incoming, versionOf(response));
    return { request: sortedFields(outgoing), response: sortedFields(incoming) };
  },
  "hop-by-hop"({ request, response }) {
    const outgoing = headersOf(request);
    const incoming = headersOf(response);
    for (const block of [outgoing, incoming]) {
      // The codecs frame each side for itself, then strip the rest.
      block.drop(Field.transferEncoding);
      stripHopByHop(block);
    }
    return { request: sortedFields(outgoing), response: sortedFields(incoming) };
  },
  "proxy-rewrite"({ request }) {
    const headers = headersOf(request);
    const absolute = splitAbsoluteTarget(request!.uri!);
    if (absolute !== undefined) headers.set("host", absolute.authority);
    return { uri: absolute?.target ?? request!.uri!, headers: sortedFields(headers) };
  },
  forwarded({ by, for: from, request }) {
    const headers = headersOf(request);
    headers.append(
      "forwarded",
      forwardedValue(by!, from!, headers.first("host"), splitAbsoluteTarget(request?.uri ?? "/")?.scheme),
    );
    return { forwarded: headers.all("forwarded") };
  },
  "forwarded-h2"({ by, for: from, request }) {
    const headers = headersOf(request);
    const value = forwardedValueH2(by!, from!, headers.first(":authority")!, headers.first(":scheme")!);
    headers.append("forwarded", value);
    return { forwarded: headers.all("forwarded") };
  },
  "forwarded-label"({ kind, label, ip: address, port }) {
    const plugin = labelers.find((each) => each.kind === kind);
    assert.ok(plugin, `labeler ${kind} is not built`);
    const context: LabelerContext = { ...pluginContext(), routerLabel: label ?? "" };
    // biome-ignore lint/suspicious/noExplicitAny: only `static` has a key, and it is this one.
    const labeler = plugin.create({ label } as any, context);
    return { label: labeler.label({ ip: address, port }) };
  },
  "max-call-depth"({ max, headers }) {
    try {
      checkCallDepth(fieldBlock(headers).first("via"), max!);
      return { pass: true };
    } catch (error) {
      return { error: true, message: (error as Error).message };
    }
  },
  timestamp({ header, nowMs, headers }) {
    const list = fieldBlock(headers);
    list.append(header!, nowMs!);
    return { headers: sortedFields(list) };
  },
  "rewrite-host"({ authority, request, response }) {
    const outgoing = headersOf(request);
    const incoming = headersOf(response);
    if (authority) restoreHost(incoming, authority, rewriteHost(outgoing, authority));
    return { request: sortedFields(outgoing), response: sortedFields(incoming) };
  },
  "clear-context"({ request, response }) {
    const incoming = headersOf(request);
    const outgoing = headersOf(response);
    clearRequestContext(incoming);
    const body = clearResponseContext(outgoing) ? "" : (response?.body ?? "");
    return { request: sortedFields(incoming), response: sortedFields(outgoing), body };
  },
  err({ message, maxHeaderSize, maxErrResponseSize }) {
    return {
      "l5d-err": encodeError(message!, maxHeaderSize ?? 8192),
      body: limitErrorBody(message!, (maxErrResponseSize ?? 5120 * 1024) / 1024),
      contentType: "text/plain",
    };
  },
  "grpc-status"({ headers, reset }) {
    const reason = reset === undefined ? undefined : resets[reset];
    const status = reason === undefined ? readGrpcStatus(fieldBlock(headers)) : grpcStatusOfReset(reason);
    return { ...status, trailers: grpcTrailers(status), reset: resetNames[resetOfGrpcStatus(status)] };
  },
};

function traceOf(given: Readonly<Record<string, string | boolean | number | null>>): TraceContext {
  const trace = createTraceContext();
  const span = given["spanId"] as string;
  const parent = (given["parentId"] as string | null | undefined) ?? span;
  const high = given["traceIdHigh"] as string | null | undefined;
  [trace.spanHi, trace.spanLo] = words(span);
  [trace.parentHi, trace.parentLo] = words(parent);
  [trace.traceHi, trace.traceLo] = words((given["traceId"] as string | null | undefined) ?? parent);
  if (typeof high === "string") {
    trace.wide = true;
    [trace.rootHi, trace.rootLo] = words(high);
  }
  trace.flags = Number(given["flags"] ?? 0);
  if (typeof given["sampled"] === "boolean") trace.flags |= given["sampled"] ? 6 : 2;
  return trace;
}

export default function check(given: Case): void {
  const operation = operations[given.op];
  assert.ok(operation, `operation ${given.op} is not built`);
  assert.deepEqual(operation(given), given.expect);
}
