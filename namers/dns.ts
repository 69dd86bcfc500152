/** `dns`: binds `/<host>/<port>` to the addresses of the host, asked for again whenever their time to live is over. */
import { Type } from "../config/type.ts";
import { Activity, type Bound, NameTree, Path } from "../dtab/index.ts";
import { definePlugin, type Namer, type NamerContext } from "../plugins/contract.ts";
import { Discovery } from "./lib/discovery.ts";
import { type DiscoveryConfig, discoveryBudget, discoveryKeys } from "./lib/discovery-keys.ts";
import { dnsDiscovery, type Endpoints, inOrder, readDnsName } from "./lib/dns-discovery.ts";
import { DnsHost } from "./lib/dns-host.ts";
import { type DnsQueries, dnsQueries } from "./lib/dns-query.ts";
import { addrOfHosts } from "./lib/host-addr.ts";
import { addrOfLook, treeOfLook } from "./lib/look-tree.ts";
import type { Ask } from "./lib/supervise.ts";

/** The block's keys. */
export interface DnsConfig extends DiscoveryConfig {
  readonly dnsHosts: readonly string[];
  readonly minIntervalSeconds: number;
  readonly maxIntervalSeconds: number;
}

export default definePlugin({
  slot: "namer",
  kind: "dns",
  schema: Type.Object({
    dnsHosts: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: "Name servers, as host or host:port; by default the system's.",
    }),
    minIntervalSeconds: Type.Integer({
      minimum: 1,
      default: 5,
      description: "Ask no more often than this, however short the time to live.",
    }),
    maxIntervalSeconds: Type.Integer({
      minimum: 1,
      default: 60,
      description: "Ask no less often than this, however long the time to live.",
    }),
    ...discoveryKeys,
    staleAfterSeconds: { ...discoveryKeys.staleAfterSeconds, default: 120 },
  }),
  create: (config, ctx) => createDnsNamer(config, ctx),
});

/** Makes the namer; `queries` are its I/O. */
export function createDnsNamer(
  config: DnsConfig,
  ctx: NamerContext,
  queries: DnsQueries = dnsQueries(config.dnsHosts),
): Required<Namer> {
  const options = dnsDiscovery(config.dnsHosts, "failed", discoveryBudget(config));
  const discovery = new Discovery<Endpoints>(options, ctx);
  return {
    lookup(path) {
      const host = readDnsName(path.segments[0]);
      const port = readPort(path.segments[1]);
      if (host === undefined || port === undefined) return neg;
      // The port is no part of the question: one host is asked for once.
      const look = discovery.watch(host, askHost(host, queries, config));
      const addr = addrOfLook(look, (hosts) =>
        addrOfHosts(
          hosts.map((each) => ({ ...each, port })),
          ctx,
        ),
      );
      return treeOfLook(look, { id: ctx.prefix.concat(path.take(2)), addr, residual: path.drop(2) });
    },
    names: () => discovery.found((name) => ctx.prefix.concat(Path.utf8(name))),
    state: () => discovery.state(),
  };
}

const neg: Activity<NameTree<Bound>> = Activity.value<NameTree<Bound>>(NameTree.neg);

const readPort = (segment: string | undefined): number | undefined =>
  segment !== undefined && /^[1-9]\d{0,4}$/.test(segment) && Number(segment) <= 65535
    ? Number(segment)
    : undefined;

function askHost(
  name: string,
  queries: DnsQueries,
  { minIntervalSeconds, maxIntervalSeconds }: DnsConfig,
): Ask<Endpoints | undefined, undefined> {
  const host = new DnsHost(queries, name);
  return async () => {
    const records = await host.ask();
    const ttl = Math.min(maxIntervalSeconds, ...records.map((record) => record.ttl));
    // A name that is absent says nothing of how long that will be so.
    const seconds = records.length === 0 ? minIntervalSeconds : Math.max(ttl, minIntervalSeconds);
    const pauseMs = seconds * 1000;
    const endpoints = records.map(({ address }) => ({ host: address, port: 0 }));
    return { value: endpoints.length === 0 ? undefined : inOrder(endpoints), pauseMs };
  };
}
