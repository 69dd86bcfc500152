/** `io.l5d.curator`: binds `/<service>` to the instances that Curator's service discovery has of it. */
import { PathText } from "../../config/formats.ts";
import { type Static, Type } from "../../config/type.ts";
import { Activity, type Addr, type Bound, NameTree, Path, type Var } from "../../dtab/index.ts";
import { definePlugin, type Namer, type NamerContext } from "../../plugins/contract.ts";
import { Discovery } from "../lib/discovery.ts";
import { discoveryKeys } from "../lib/discovery-keys.ts";
import { addrOfHosts, type HostPort } from "../lib/host-addr.ts";
import { addrOfLook, treeOfLook } from "../lib/look-tree.ts";
import type { Look } from "../lib/watched-name.ts";
import { ZooKeeper } from "../lib/zookeeper/client.ts";
import { zooKeeperKeys } from "../lib/zookeeper/config.ts";
import { Unreadable } from "./children.ts";
import { askNode, type NodeRules, zooKeeperDiscovery } from "./discovery.ts";
import { portOf, readObject, textOf } from "./json.ts";
import { nodeOf, textsOf } from "./zk-path.ts";

/** The keys. */
export const curatorSchema = Type.Object({
  ...zooKeeperKeys,
  basePath: PathText({ default: "/", description: "The node whose children are the services." }),
  ...discoveryKeys,
});

export default definePlugin({
  slot: "namer",
  kind: "io.l5d.curator",
  experimental: true,
  schema: curatorSchema,
  create: (config, ctx) => createCuratorNamer(config, ctx),
});

interface Instance extends HostPort {
  readonly ssl: boolean;
}

/** Makes the namer; `zk` is its I/O. A service without instances is bound, to nothing, as in Linkerd 1. */
export function createCuratorNamer(
  config: Static<typeof curatorSchema>,
  ctx: NamerContext,
  zk: ZooKeeper = new ZooKeeper(config, ctx),
): Required<Namer> {
  const options = zooKeeperDiscovery<readonly Instance[]>(zk, config, ({ length }) => length);
  const discovery = new Discovery<readonly Instance[], true>(options, ctx);
  const base = textsOf(Path.read(config.basePath));
  return {
    lookup(path) {
      const [service] = textsOf(path.take(1));
      const node = service === undefined ? undefined : nodeOf([...base, service]);
      if (node === undefined) return neg;
      const found = discovery.watch(node, askNode(zk, node, curatorRules, ctx.clock));
      const look = found.map(orEmpty);
      const addr = addrOfLook(look, (instances) => addrOfInstances(instances, ctx));
      return treeOfLook(look, { id: ctx.prefix.concat(path.take(1)), addr, residual: path.drop(1) });
    },
    names: () => discovery.found((node) => ctx.prefix.concat(Path.utf8(node.split("/").at(-1)!))),
    state: () => ({ ...discovery.state(), session: zk.session }),
  };
}

const neg: Activity<NameTree<Bound>> = Activity.value<NameTree<Bound>>(NameTree.neg);

const orEmpty = (look: Look<readonly Instance[]>): Look<readonly Instance[]> =>
  look.tag === "absent" ? { tag: "found", value: [] } : look;

function addrOfInstances(instances: readonly Instance[], ctx: NamerContext): Var<Addr> {
  const ssl = String(instances.some((instance) => instance.ssl));
  const hosts = instances.map(({ host, port }) => ({ host, port }));
  return addrOfHosts(hosts, ctx, undefined, { ssl });
}

/** The port for TLS counts where there is one. */
const curatorRules: NodeRules<Instance, readonly Instance[]> = {
  wanted: (names) => names,
  read(_id, data) {
    const { address, port, sslPort, enabled } = readObject(data);
    const host = textOf(address);
    const at = portOf(sslPort) ?? portOf(port);
    if (host === undefined || at === undefined) throw new Unreadable("an instance without address and port");
    return enabled === false ? undefined : { host, port: at, ssl: portOf(sslPort) !== undefined };
  },
  valueOf(children) {
    const sorted = [...children].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.length === 0 ? undefined : sorted.map(([, instance]) => instance);
  },
};
