/** What the access log says of a request, or of one attempt of it. */

import { hexId } from "../../../plugins/lib/trace-text.ts";
import type { ResponseHead } from "../exchange-streams.ts";
import type { AccessFacts } from "./access-format.ts";
import type { Failing } from "./failure.ts";

/** The facts as they stand now; the headers must still be those of the request. */
export function accessFacts(
  request: Failing,
  head: ResponseHead | undefined,
  status: number,
  durationMs: number,
): AccessFacts {
  const { exchange, context, server, binding, client, endpoint, arrival, trace } = request;
  const { headers } = exchange;
  return {
    time: Date.now(),
    router: context.label,
    server: server.name,
    remote: exchange.caller.remote.ip,
    identity: exchange.caller.peer?.identity,
    method: exchange.method,
    target: exchange.target,
    version: exchange.version,
    host: request.originalHost ?? headers.first("host"),
    status,
    bytes: head === undefined ? undefined : lengthOf(head),
    durationMs: Math.round(durationMs * 1000) / 1000,
    service: binding?.path,
    client: client?.id,
    endpoint: endpoint?.name,
    attempts: 1,
    override: arrival.local.text === "" ? undefined : arrival.local.text,
    overrideId: arrival.overrideId,
    overrideRefused: arrival.overrideRefused,
    error: undefined,
    traceId: hexId(trace.traceHi, trace.traceLo),
    referer: headers.first("referer"),
    userAgent: headers.first("user-agent"),
  };
}

/** Bytes of an answer's body, if they are known beforehand. */
export function lengthOf(head: ResponseHead): number | undefined {
  if (head.bodyLength > 0) return head.bodyLength;
  const declared = head.headers.first("content-length");
  return declared === undefined ? undefined : Number(declared);
}
