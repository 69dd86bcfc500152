/**
 * Names that tell their ensemble themselves: `/$/com.twitter.serverset/<hosts>/<node>` and
 * `/$/io.buoyant.namer.zk.leader/<hosts>/<node>`, where hosts are `host:port` with `,` or `::` between them.
 */
import { Activity, type Bound, fromUtf8Bytes, NameTree, Path } from "../../dtab/index.ts";
import type { ControlContext, Namer } from "../../plugins/contract.ts";
import { ZooKeeper } from "../lib/zookeeper/client.ts";
import type { SessionOptions } from "../lib/zookeeper/session.ts";
import { readHostPorts } from "./host-ports.ts";
import { createLeaderNamer } from "./leader.ts";
import { createServersetsNamer } from "./serversets.ts";

/** Hosts may come from requests: no more ensembles than these are asked at a time, for each kind. */
const mostEnsembles = 8;
const defaults = { chroot: "/", sessionTimeoutMs: 10_000, staleAfterSeconds: 60, panicThreshold: 50 };

/** The namers by the segment below `/$`; `ctx.metrics` is the scope of all namers. */
export const zooKeeperSystemNamers = (
  ctx: ControlContext,
  open?: SessionOptions["open"],
): ReadonlyMap<string, Namer> =>
  new Map([
    [
      "com.twitter.serverset",
      whole(createEnsembles("com.twitter.serverset", createServersetsNamer, ctx, open)),
    ],
    [
      "io.buoyant.namer.zk.leader",
      createEnsembles("io.buoyant.namer.zk.leader", createLeaderNamer, ctx, open),
    ],
  ]);

/** Finagle's own namer takes the path as a whole: nothing of it is residual. */
const whole = (namer: Namer): Namer => ({
  lookup: (path) =>
    namer.lookup(path).map((tree): NameTree<Path | Bound> => {
      const rest = tree.tag === "leaf" && !(tree.value instanceof Path) && tree.value.residual.size > 0;
      return rest ? NameTree.neg : tree;
    }),
});

interface Ensemble {
  readonly namer: Required<Namer>;
  inUse(): boolean;
  close(): void;
}

/** A namer per ensemble, made when a name asks for it. */
function createEnsembles(
  kind: string,
  create: typeof createServersetsNamer,
  ctx: ControlContext,
  open: SessionOptions["open"],
): Namer {
  const known = new Map<string, Ensemble>();
  const make = (hosts: string, zkAddrs: SessionOptions["zkAddrs"]): Ensemble => {
    const prefix = Path.of("$", kind).concat(Path.utf8(hosts));
    const own = { ...ctx, prefix, metrics: ctx.metrics.scope(prefix.show().slice(1)) };
    const config = { ...defaults, zkAddrs: [...zkAddrs] };
    const zk = new ZooKeeper({ ...config, ...(open && { open }) }, own);
    const namer = create(config, own, zk);
    return {
      namer,
      inUse: () => (namer.state() as { readonly watched: number }).watched > 0,
      close: () => own.metrics.close(),
    };
  };
  const ensembleOf = (hosts: string): Ensemble | undefined => {
    const found = known.get(hosts);
    if (found !== undefined) return found;
    const zkAddrs = readHostPorts(hosts.replaceAll("::", ","));
    if (zkAddrs === undefined) return undefined;
    if (known.size >= mostEnsembles) {
      const idle = [...known].find(([, ensemble]) => !ensemble.inUse());
      if (idle === undefined) return undefined;
      known.delete(idle[0]);
      idle[1].close();
    }
    const made = make(hosts, zkAddrs);
    known.set(hosts, made);
    return made;
  };
  return {
    lookup(path) {
      const [first] = path.segments;
      if (first === undefined) return Activity.value<NameTree<Bound>>(NameTree.neg);
      const hosts = fromUtf8Bytes(first);
      const ensemble = ensembleOf(hosts);
      if (ensemble !== undefined) return ensemble.namer.lookup(path.drop(1));
      const many = readHostPorts(hosts.replaceAll("::", ",")) !== undefined;
      const why = many ? `${mostEnsembles} other ensembles are in use` : "expected host:port,host:port";
      return Activity.failed(new Error(`${kind} cannot ask ${hosts}: ${why}`));
    },
  };
}
