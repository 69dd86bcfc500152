/** Everything that is known of a request that failed, for the text of its answer. */
import { Dentry, type Dtab } from "../../../dtab/index.ts";
import type { ProxyError } from "../../../plugins/errors.ts";
import type { Answering } from "./answer.ts";
import type { Binding } from "./binding.ts";
import type { Failure } from "./error-text.ts";

/** The request that failed. */
export interface Failing extends Answering {
  readonly binding: Binding | undefined;
  readonly tried: readonly string[] | undefined;
}

/** Gathers it. */
export function failureOf(request: Failing, error: ProxyError): Failure {
  const { exchange, context, server, binding, client, endpoint, tried } = request;
  const { remote } = exchange.caller;
  const { local } = request.arrival;
  const limit = limitOf(request, error);
  return {
    code: error.code,
    message: error.message,
    method: exchange.method,
    target: exchange.target,
    from: `${remote.ip}:${remote.port}`,
    service: binding?.path,
    client: client?.id,
    addresses: client?.addresses,
    selected: endpoint?.name,
    tried,
    baseDtab: context.baseDtab,
    overrideDtab: local.dtab.isEmpty ? undefined : dtabLines(local.dtab),
    why: binding?.why,
    rule: limit === undefined ? undefined : context.place(limit.key),
    limitMs: limit?.ms,
    limit: error.code === "E_HOP_LIMIT" ? server.config.maxCallDepth : undefined,
    tree: error.code === "E_BIND_TIMEOUT" && client !== undefined ? client.id : undefined,
    server: server.name,
  };
}

// The key that set the limit which was exceeded.
function limitOf(
  { context, server, binding, client }: Failing,
  error: ProxyError,
): { key: string; ms?: number } | undefined {
  switch (error.code) {
    case "E_BIND_TIMEOUT":
      return { key: "bindingTimeoutMs", ms: context.bindingTimeoutMs };
    case "E_TOTAL_TIMEOUT":
      return { key: "service.totalTimeoutMs", ms: binding?.service.settings.totalTimeoutMs ?? 0 };
    case "E_ATTEMPT_TIMEOUT":
      return { key: "client.requestAttemptTimeoutMs", ms: client?.settings.attemptTimeoutMs ?? 0 };
    case "E_SERVER_TIMEOUT":
      return { key: `servers[${server.index}].timeoutMs`, ms: server.config.timeoutMs ?? 0 };
    case "E_FORBIDDEN":
      return { key: `servers[${server.index}].tls.allowedIdentities` };
    case "E_DEADLINE":
      return { key: `servers[${server.index}].enforceDeadline` };
    case "E_MARKED_DOWN":
      return { key: "client.failFast" };
    case "E_OVERLOADED":
      return { key: `servers[${server.index}].maxConcurrentRequests` };
    case "E_HOP_LIMIT":
      return { key: `servers[${server.index}].maxCallDepth` };
    case "E_POOL_FULL":
      return { key: "client.hostConnectionPool" };
    case "E_NO_ROUTE":
    case "E_NO_ENDPOINTS":
    case "E_DELEGATION_LOOP":
      return { key: "dtab" };
    case "E_UNIDENTIFIED":
      return { key: "identifier" };
    default:
      return undefined;
  }
}

/** `prefix => tree`, a line for each rule. */
export const dtabLines = (dtab: Dtab): string[] =>
  dtab.dentries.map((dentry) => Dentry.show(dentry).replace("=>", " => "));
