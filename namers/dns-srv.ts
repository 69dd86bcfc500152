/** `io.l5d.dnssrv`: binds `/<record>` to the targets of that SRV record. */
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
import { readIp } from "./lib/resolve.ts";
import type { Ask } from "./lib/supervise.ts";

/** The block's keys. */
export interface DnsSrvConfig extends DiscoveryConfig {
  readonly refreshIntervalSeconds: number;
  readonly dnsHosts: readonly string[];
}

export default definePlugin({
  slot: "namer",
  kind: "io.l5d.dnssrv",
  experimental: true,
  schema: Type.Object({
    refreshIntervalSeconds: Type.Integer({
      minimum: 1,
      default: 5,
      description: "How often each name is asked for.",
    }),
    dnsHosts: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: "Name servers, as host or host:port; by default the system's.",
    }),
    ...discoveryKeys,
  }),
  create: (config, ctx) => createDnsSrvNamer(config, ctx),
});

/** Makes the namer; `queries` are its I/O. Priorities and weights of the records are not looked at, as in Linkerd 1. */
export function createDnsSrvNamer(
  config: DnsSrvConfig,
  ctx: NamerContext,
  queries: DnsQueries = dnsQueries(config.dnsHosts),
): Required<Namer> {
  const options = dnsDiscovery(config.dnsHosts, "absent", discoveryBudget(config));
  const discovery = new Discovery<Endpoints>(options, ctx);
  return {
    lookup(path) {
      const record = readDnsName(path.segments[0]);
      if (record === undefined) return neg;
      const look = discovery.watch(record, askSrv(record, queries, config.refreshIntervalSeconds * 1000));
      const addr = addrOfLook(look, (endpoints) => addrOfHosts(endpoints, ctx));
      return treeOfLook(look, { id: ctx.prefix.concat(path.take(1)), addr, residual: path.drop(1) });
    },
    names: () => discovery.found((name) => ctx.prefix.concat(Path.utf8(name))),
    state: () => discovery.state(),
  };
}

const neg: Activity<NameTree<Bound>> = Activity.value<NameTree<Bound>>(NameTree.neg);

/** The records, then one address of each target. A target that cannot be asked for now keeps its last address. */
function askSrv(record: string, queries: DnsQueries, pauseMs: number): Ask<Endpoints | undefined, undefined> {
  let targets = new Map<string, DnsHost>();
  return async () => {
    const found = await queries.srv(record);
    if (found.tag === "failed") throw found.error;
    if (found.tag === "absent") return { value: undefined, pauseMs };
    const names = [...new Set(found.records.map(({ name }) => name))];
    targets = new Map(names.map((name) => [name, targets.get(name) ?? new DnsHost(queries, name)]));
    const looks = await Promise.all([...targets].map(([name, host]) => oneAddress(name, host)));
    const ips = new Map(names.map((name, i) => [name, looks[i]!.ip]));
    const endpoints = found.records.flatMap(({ name, port }) => {
      const host = ips.get(name);
      return host === undefined ? [] : [{ host, port }];
    });
    if (endpoints.length > 0) return { value: inOrder(endpoints), pauseMs };
    const failure = looks.find(({ error }) => error !== undefined);
    if (failure !== undefined) throw failure.error;
    return { value: undefined, pauseMs };
  };
}

interface Target {
  readonly ip: string | undefined;
  readonly error?: unknown;
}

async function oneAddress(name: string, host: DnsHost): Promise<Target> {
  const literal = readIp(name);
  if (literal !== undefined) return { ip: literal };
  const before = host.known;
  try {
    const records = await host.ask();
    // The one it was, if it still is: a server that rotates its answers moves no endpoint.
    const same = records.find(({ address }) => address === before[0]?.address);
    return { ip: (same ?? records[0])?.address };
  } catch (error) {
    return { ip: before[0]?.address, error };
  }
}
