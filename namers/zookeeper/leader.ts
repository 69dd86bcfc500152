/** `io.l5d.zkLeader`: binds `/<path of a node>` to the leader of the group there, its lowest candidate. */
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
import { Unreadable } from "./children.ts";
import { askNode, type NodeRules, zooKeeperDiscovery } from "./discovery.ts";
import { readHostPorts } from "./host-ports.ts";
import { bindLongest } from "./longest.ts";
import { nodeOf, pathOf, textsOf } from "./zk-path.ts";

/** The keys. */
export const leaderSchema = Type.Object({ ...zooKeeperKeys, ...discoveryKeys });

export default definePlugin({
  slot: "namer",
  kind: "io.l5d.zkLeader",
  schema: leaderSchema,
  create: (config, ctx) => createLeaderNamer(config, ctx),
});

/** Makes the namer; `zk` is its I/O. */
export function createLeaderNamer(
  config: Static<typeof leaderSchema>,
  ctx: NamerContext,
  zk: ZooKeeper = new ZooKeeper(config, ctx),
): Required<Namer> {
  const options = zooKeeperDiscovery<readonly HostPort[]>(zk, config, ({ length }) => length);
  const discovery = new Discovery<readonly HostPort[], true>(options, ctx);
  const find: FindLeader = (node) => discovery.watch(node, askNode(zk, node, leaderRules, ctx.clock));
  return {
    lookup: (path) => bindLeader(path, ctx, find),
    names: () => discovery.found((node) => ctx.prefix.concat(pathOf(node))),
    state: () => ({ ...discovery.state(), session: zk.session }),
  };
}

/** The leader of a group over time. */
export type FindLeader = (node: string) => Var<Look<readonly HostPort[]>>;

/** The longest beginning of the path that is a group with a leader. */
export const bindLeader = (path: Path, ctx: NamerContext, find: FindLeader) =>
  bindLongest(path, ctx.prefix, (beginning) => {
    const node = nodeOf(textsOf(beginning));
    if (node === undefined) return undefined;
    const look = find(node);
    return { look, addr: addrOfLook(look, (hosts) => addrOfHosts(hosts, ctx)) };
  });

/** Candidates are numbered in the order in which they came; what the first one says is the answer. */
export const leaderRules: NodeRules<readonly HostPort[], readonly HostPort[]> = {
  wanted: (names) =>
    names
      .filter((name) => name.startsWith("member_"))
      .sort()
      .slice(0, 1),
  read(_name, data) {
    const hosts = readHostPorts(data);
    if (hosts === undefined) throw new Unreadable("no host:port");
    return hosts;
  },
  valueOf: (children) => [...children.values()][0],
};
