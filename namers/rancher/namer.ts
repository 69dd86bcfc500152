/** `io.l5d.rancher`: binds `/<port>/<stack>/<service>` to the running containers of Rancher's metadata service. */
import { isDeepStrictEqual } from "node:util";
import { Activity, type Bound, fromUtf8Bytes, NameTree, Path, Var } from "../../dtab/index.ts";
import { definePlugin, type Namer, type NamerContext } from "../../plugins/contract.ts";
import { Discovery } from "../lib/discovery.ts";
import { discoveryBudget } from "../lib/discovery-keys.ts";
import type { DiscoveryOptions } from "../lib/discovery-options.ts";
import { addrOfHosts, type HostPort } from "../lib/host-addr.ts";
import { createHttpClient, type HttpClient } from "../lib/http-client.ts";
import { addrOfLook, treeOfLook } from "../lib/look-tree.ts";
import type { Ask } from "../lib/supervise.ts";
import type { Look } from "../lib/watched-name.ts";
import { type Container, readContainers, readVersion } from "./answers.ts";
import { type RancherConfig, rancherSchema } from "./config.ts";

export default definePlugin({
  slot: "namer",
  kind: "io.l5d.rancher",
  experimental: true,
  schema: rancherSchema,
  create: (config, ctx) => createRancherNamer(config, ctx),
});

/** What the one list of all containers is called. */
const everything = "containers";
const api = "/2015-12-19";

/** Makes the namer; `client` is its I/O. */
export function createRancherNamer(
  config: RancherConfig,
  ctx: NamerContext,
  client: Pick<HttpClient, "ask"> = connect(config),
): Required<Namer> {
  const discovery = new Discovery<readonly Container[], string>(discoveryOptions(config), ctx);
  const ports = new Map(Object.entries({ http: 80, https: 443, ...config.portMappings }));
  const containers = discovery.watch(everything, askContainers(client));
  return {
    lookup(path) {
      const [portText, stack, service] = path.segments.slice(0, 3).map(fromUtf8Bytes);
      if (portText === undefined || stack === undefined || service === undefined) return neg;
      const port = readPort(portText, ports);
      if (port === undefined) return neg;
      const look = Var.distinct(
        containers.map((now) => endpointsOf(now, stack, service, port)),
        isDeepStrictEqual,
      );
      const addr = addrOfLook(look, (endpoints) => addrOfHosts(endpoints, ctx));
      return treeOfLook(look, { id: ctx.prefix.concat(path.take(3)), addr, residual: path.drop(3) });
    },
    names() {
      const look = containers.sample();
      const services = look.tag === "found" ? [...servicesOf(look.value).values()] : [];
      return discovery
        .found(() => ctx.prefix)
        .flatMap((list) =>
          services.flatMap(({ stack, service }) =>
            [...ports.keys()].map((port) => ({
              ...list,
              name: ctx.prefix.concat(Path.utf8(port, stack, service)),
            })),
          ),
        );
    },
    state: () => discovery.state(),
  };
}

const neg: Activity<NameTree<Bound>> = Activity.value<NameTree<Bound>>(NameTree.neg);

/** A number is never a name. */
function readPort(text: string, names: ReadonlyMap<string, number>): number | undefined {
  if (!/^[-+]?\d+$/.test(text)) return names.get(text);
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : undefined;
}

// === Services ===

interface Service {
  readonly stack: string;
  readonly service: string;
  readonly hosts: readonly string[];
}

const indexes = new WeakMap<readonly Container[], ReadonlyMap<string, Service>>();
const keyOf = (stack: string, service: string): string => `${stack}\0${service}`.toLowerCase();

/** The services with running containers; worked out once for all names that look at a list. */
function servicesOf(containers: readonly Container[]): ReadonlyMap<string, Service> {
  const known = indexes.get(containers);
  if (known !== undefined) return known;
  const services = new Map<string, Service>();
  for (const { state, primaryIp, stackName: stack, serviceName: service } of containers) {
    if (state !== "running" || !primaryIp || !stack || !service) continue;
    const key = keyOf(stack, service);
    const { hosts = [], ...names } = services.get(key) ?? { stack, service };
    if (!hosts.includes(primaryIp)) services.set(key, { ...names, hosts: [...hosts, primaryIp] });
  }
  indexes.set(containers, services);
  return services;
}

function endpointsOf(
  look: Look<readonly Container[]>,
  stack: string,
  service: string,
  port: number,
): Look<readonly HostPort[]> {
  if (look.tag !== "found") return look;
  const found = servicesOf(look.value).get(keyOf(stack, service));
  if (found === undefined) return { tag: "absent" };
  return { ...look, value: found.hosts.map((host) => ({ host, port })) };
}

// === The metadata service ===

/** Asks for everything when the version is another; the cursor is the version. */
function askContainers(client: Pick<HttpClient, "ask">): Ask<readonly Container[] | undefined, string> {
  let last: readonly Container[] | undefined;
  const asJson = { headers: { accept: "application/json" } };
  return async ({ cursor, waitMs, signal }) => {
    const wait =
      cursor === undefined
        ? ""
        : `?wait=true&maxWait=${Math.ceil(waitMs / 1000)}&value=${encodeURIComponent(cursor)}`;
    const version = readVersion(await client.ask(`${api}/version${wait}`, signal));
    if (version !== cursor || last === undefined) {
      last = readContainers(await client.ask(`${api}/containers`, signal, asJson));
    }
    return { value: last, cursor: version, pauseMs: 0 };
  };
}

const connect = ({ host, port }: RancherConfig): HttpClient =>
  createHttpClient({ host, port, headers: {}, maxConnections: 2, maxBytes: 64 * 1024 * 1024 });

/** There is one list, whatever names are asked for. */
function discoveryOptions(config: RancherConfig): DiscoveryOptions<readonly Container[]> {
  const { host, port, maxWait } = config;
  return {
    source: `Rancher's metadata service at ${host}:${port}`,
    pace: {
      waitMs: maxWait * 1000,
      deadlineMs: 10_000,
      relistMs: 300_000,
      backoff: { minMs: 200, maxMs: 5_000 },
    },
    limits: { found: 1, first: 1, absent: 1, budget: { perSecond: 1, burst: 10 } },
    ...discoveryBudget(config),
    firstFailure: "failed",
    sizeOf: (containers) => containers.filter(({ state }) => state === "running").length,
    show: (containers) => [...servicesOf(containers).values()],
  };
}
