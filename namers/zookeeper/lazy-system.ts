/** The names that tell their ZooKeeper ensemble themselves, with what asks it loaded when the first of them is looked up. */
import { Activity, State, Var } from "../../dtab/index.ts";
import type { ControlContext, Namer } from "../../plugins/contract.ts";

/** Their segments below `/$`. */
const kinds = ["com.twitter.serverset", "io.buoyant.namer.zk.leader"];

/** `zooKeeperSystemNamers`, loaded on demand. */
export const lazyZooKeeperSystemNamers = (ctx: ControlContext): ReadonlyMap<string, Namer> => {
  let loading: Promise<ReadonlyMap<string, Namer>> | undefined;
  const load = async (): Promise<ReadonlyMap<string, Namer>> => {
    const { zooKeeperSystemNamers } = await import("./system.ts");
    return zooKeeperSystemNamers(ctx);
  };
  const namers = Activity.of(
    Var.async<State<ReadonlyMap<string, Namer>>>(State.pending, async (set) => {
      loading ??= load();
      set(await loading.then(State.ok, State.failed));
    }),
  );
  return new Map(
    kinds.map((kind) => [
      kind,
      { lookup: (path) => namers.flatMap((loaded) => loaded.get(kind)!.lookup(path)) },
    ]),
  );
};
