/** `io.l5d.serversets`: binds `/<path of a node>[:<endpoint>][#<shard>]` to the members of Finagle's serverset there. */
import { type Static, Type } from "../../config/type.ts";
import type { Path, Var } from "../../dtab/index.ts";
import { definePlugin, type Namer, type NamerContext } from "../../plugins/contract.ts";
import { Discovery } from "../lib/discovery.ts";
import { discoveryKeys } from "../lib/discovery-keys.ts";
import { addrOfHosts, type HostPort } from "../lib/host-addr.ts";
import { addrOfLook } from "../lib/look-tree.ts";
import type { Look } from "../lib/watched-name.ts";
import { ZooKeeper } from "../lib/zookeeper/client.ts";
import { zooKeeperKeys } from "../lib/zookeeper/config.ts";
import { askNode, zooKeeperDiscovery } from "./discovery.ts";
import { bindLongest } from "./longest.ts";
import { aliveOf, type Choice, endpointsOf, type Serverset, serversetRules } from "./serverset.ts";
import { nodeOf, pathOf, textsOf } from "./zk-path.ts";

/** The keys. */
export const serversetsSchema = Type.Object({ ...zooKeeperKeys, ...discoveryKeys });

export default definePlugin({
  slot: "namer",
  kind: "io.l5d.serversets",
  schema: serversetsSchema,
  create: (config, ctx) => createServersetsNamer(config, ctx),
});

/** Makes the namer; `zk` is its I/O. */
export function createServersetsNamer(
  config: Static<typeof serversetsSchema>,
  ctx: NamerContext,
  zk: ZooKeeper = new ZooKeeper(config, ctx),
): Required<Namer> {
  const options = zooKeeperDiscovery<Serverset>(zk, config, aliveOf);
  const discovery = new Discovery<Serverset, true>(options, ctx);
  const find: FindServerset = ({ node, ...choice }) =>
    discovery.watch(node, askNode(zk, node, serversetRules, ctx.clock)).map((look) => choose(look, choice));
  return {
    lookup: (path) => bindServerset(path, ctx, find),
    names: () => discovery.found((node) => ctx.prefix.concat(pathOf(node))),
    state: () => ({ ...discovery.state(), session: zk.session }),
  };
}

/** A name as it is asked for. */
export interface ServersetName extends Choice {
  readonly node: string;
}

/** The endpoints of a name over time. */
export type FindServerset = (name: ServersetName) => Var<Look<readonly HostPort[]>>;

/** The longest beginning of the path that has endpoints. */
export const bindServerset = (path: Path, ctx: NamerContext, find: FindServerset) =>
  bindLongest(path, ctx.prefix, (beginning) => {
    const name = readName(textsOf(beginning));
    if (name === undefined || name instanceof Error) return name;
    const look = find(name);
    return { look, addr: addrOfLook(look, (hosts) => addrOfHosts(hosts, ctx)) };
  });

/** The last segment may choose an endpoint and a shard; undefined for what can be no node. */
function readName(segments: readonly string[]): ServersetName | Error | undefined {
  const last = segments.at(-1) ?? "";
  const [, name, endpoint, shard] = /^([^:#]+)(?::([^:#]+))?(?:#(\d{1,9}))?$/.exec(last) ?? [];
  if (name === undefined) return new Error(`${last} is no <serverset>[:<endpoint>][#<shard>]`);
  const node = nodeOf([...segments.slice(0, -1), name]);
  if (node === undefined) return undefined;
  return { node, endpoint, shard: shard === undefined ? undefined : Number(shard) };
}

/** Endpoints that are there; none is as good as no set. */
function choose(look: Look<Serverset>, choice: Choice): Look<readonly HostPort[]> {
  if (look.tag !== "found") return look;
  const value = endpointsOf(look.value, choice);
  return value.length === 0 ? { tag: "absent" } : { ...look, value };
}
