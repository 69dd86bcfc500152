/** `io.l5d.consul`: binds `/<dc>/<service>`, or `/<dc>/<tag>/<service>`, to the instances that Consul knows. */
import { Activity, type Bound, fromUtf8Bytes, NameTree, Path } from "../../dtab/index.ts";
import { definePlugin, type Namer, type NamerContext } from "../../plugins/contract.ts";
import { Discovery } from "../lib/discovery.ts";
import { discoveryBudget } from "../lib/discovery-keys.ts";
import type { DiscoveryOptions } from "../lib/discovery-options.ts";
import { addrOfHosts } from "../lib/host-addr.ts";
import { createHttpGet, type HttpGet } from "../lib/http-client.ts";
import { addrOfLook, treeOfLook } from "../lib/look-tree.ts";
import type { ResolveHost } from "../lib/resolve.ts";
import type { Ask } from "../lib/supervise.ts";
import { readService, type Service } from "./answers.ts";
import {
  type Agent,
  failFast,
  nextIndex,
  readAgent,
  readReply,
  type ServiceQuery,
  serviceTarget,
} from "./api.ts";
import { type ConsulConfig, consulSchema } from "./config.ts";

export default definePlugin({
  slot: "namer",
  kind: "io.l5d.consul",
  schema: consulSchema,
  create: (config, ctx) => createConsulNamer(config, ctx),
});

/** The name of the agent's own data center. */
const localDc = ".local";
const mostBytes = 64 * 1024 * 1024;

/** Makes the namer; `get` and `resolve` are its I/O. */
export function createConsulNamer(
  config: ConsulConfig,
  ctx: NamerContext,
  get: HttpGet = connect(config, ctx),
  resolve?: ResolveHost,
): Required<Namer> {
  const discovery = new Discovery<Service, string>(discoveryOptions(config), ctx);
  const agent = rememberAgent(get);
  const size = config.includeTag ? 3 : 2;
  return {
    lookup(path) {
      const query = readQuery(path, config);
      if (query === undefined) return neg;
      const { dc, tag, service } = query;
      const name = [dc, ...(tag === undefined ? [] : [tag]), service].join("/");
      const look = discovery.watch(name, askService(query, config, get, agent));
      const addr = addrOfLook(look, ({ instances, meta }) => addrOfHosts(instances, ctx, resolve, meta));
      return treeOfLook(look, { id: ctx.prefix.concat(path.take(size)), addr, residual: path.drop(size) });
    },
    names: () => discovery.found((name) => ctx.prefix.concat(Path.utf8(...name.split("/")))),
    state: () => discovery.state(),
  };
}

const neg: Activity<NameTree<Bound>> = Activity.value<NameTree<Bound>>(NameTree.neg);

/** What a path asks for: service and tag in lower case. Undefined for names that Consul cannot have. */
function readQuery(path: Path, { includeTag }: ConsulConfig): ServiceQuery | undefined {
  const segments = path.segments.slice(0, includeTag ? 3 : 2).map(fromUtf8Bytes);
  const [dc, tag, service] = includeTag ? segments : [segments[0], undefined, segments[1]];
  if (dc === undefined || service === undefined || segments.some((each) => !isName(each))) return undefined;
  return { dc, tag: tag?.toLowerCase(), service: service.toLowerCase() };
}

/** Names come from requests and become part of a URL: nothing may lead elsewhere. */
const isName = (text: string): boolean => !/[/\\\ufffd\0]|^\.{0,2}$/.test(text) && text.length <= 512;

/** Asks for one service: a list at first, then blocking queries from the index of the last answer. */
function askService(
  query: ServiceQuery,
  config: ConsulConfig,
  get: HttpGet,
  agentOf: (signal: AbortSignal) => Promise<Agent>,
): Ask<Service | undefined, string> {
  return async ({ cursor, waitMs, signal }) => {
    const agent = query.dc === localDc || config.setHost ? await agentOf(signal) : undefined;
    const dc = query.dc === localDc ? (agent?.datacenter ?? localDc) : query.dc;
    const asked = { ...query, dc };
    const { body, index } = readReply(await get(serviceTarget(asked, config, cursor, waitMs), signal));
    const found = readService(body, config);
    const value = found && config.setHost ? withAuthority(found, asked, agent!) : found;
    return { value, cursor: nextIndex(cursor, index), pauseMs: 0 };
  };
}

function withAuthority(found: Service, { dc, tag, service }: ServiceQuery, { domain }: Agent): Service {
  const authority = `${tag === undefined ? "" : `${tag}.`}${service}.service.${dc}.${domain}`;
  return { ...found, meta: { ...found.meta, authority } };
}

/** Asks the agent about itself until it has answered once; callers at the same time share a question. */
function rememberAgent(get: HttpGet): (signal: AbortSignal) => Promise<Agent> {
  let known: Agent | undefined;
  let asking: Promise<Agent> | undefined;
  const ask = async (signal: AbortSignal): Promise<Agent> => {
    try {
      return readAgent(await get("/v1/agent/self", signal));
    } finally {
      asking = undefined;
    }
  };
  return async (signal) => {
    while (known === undefined) {
      const mine = asking === undefined;
      try {
        known = await (asking ??= ask(signal));
      } catch (error) {
        // The question ends with the signal of whoever asked it: then another one asks.
        if (mine || signal.aborted) throw error;
      }
    }
    return known;
  };
}

const connect = (config: ConsulConfig, ctx: NamerContext): HttpGet => {
  const { host, port, token, tls, maxConnections, fixedLengthStreamedAfterKB = 0 } = config;
  const get = createHttpGet({
    host,
    port,
    headers: token === undefined ? {} : { "x-consul-token": token },
    maxConnections,
    tls,
    maxBytes: Math.max(mostBytes, fixedLengthStreamedAfterKB * 1024 * 1024),
  });
  return config.failFast ? failFast(get, ctx.clock, ctx.random) : get;
};

/** A tenth of the connections is for names that are unknown, a fifth for new ones, the rest for those in use. */
function discoveryOptions(config: ConsulConfig): DiscoveryOptions<Service> {
  const { host, port, maxConnections, waitSeconds } = config;
  const absent = Math.max(1, Math.floor(maxConnections / 10));
  const first = Math.max(1, Math.floor(maxConnections / 5));
  return {
    source: `Consul at ${host}:${port}`,
    pace: { waitMs: waitSeconds * 1000, contendedWaitMs: 1_000, deadlineMs: 5_000, relistMs: 300_000 },
    limits: { found: maxConnections - absent - first, first, absent },
    ...discoveryBudget(config),
    firstFailure: "absent",
    sizeOf: ({ instances }) => instances.length,
    show: ({ instances, meta }) => ({ instances, ...(Object.keys(meta).length > 0 && { meta }) }),
  };
}
