/** The namers that need no configuration, all below `/$`. */
import { Activity, Addr, Address, type Bound, NameTree, Path, Var } from "../../dtab/index.ts";
import type { Namer, PluginContext, PrefixedNamer } from "../../plugins/contract.ts";
import type { ResolveHost } from "../lib/resolve.ts";
import { createInet, createRinet } from "./inet.ts";
import { utilities } from "./utility.ts";

type Tree = Activity<NameTree<Path | Bound>>;

const prefix = Path.of("$");
const rinetKind = "io.buoyant.rinet";
const statusKind = "io.buoyant.http.status";

/** Further namers below `/$`, by the segment that they stand for. */
export type SystemNamers = ReadonlyMap<string, Namer>;

/** The `/$` namers as the last entry of an interpreter's namers. */
export const builtinNamers = (
  ctx: Pick<PluginContext, "clock" | "log">,
  resolve?: ResolveHost,
  systems?: SystemNamers,
): readonly PrefixedNamer[] => [{ prefix, namer: createGlobalNamer(ctx, resolve, systems) }];

/** Names below `/$`; the path it is asked comes without it. */
export function createGlobalNamer(
  ctx: Pick<PluginContext, "clock" | "log">,
  resolve?: ResolveHost,
  systems: SystemNamers = new Map(),
): Namer {
  const inets = {
    inet: createInet("inet", ctx, resolve),
    fixedinet: createInet("fixedinet", ctx, resolve),
  };
  const rinet = createRinet(rinetKind, ctx, resolve);
  return {
    lookup(path): Tree {
      const [kind] = path.segments;
      if (kind === undefined) return neg;
      const rest = path.drop(1);
      const rewrite = utilities.get(kind);
      if (rewrite !== undefined) return rewritten(rewrite(rest));
      switch (kind) {
        case "nil":
          return Activity.value<NameTree<Path>>(NameTree.empty);
        case "fail":
          return Activity.value<NameTree<Path>>(NameTree.fail);
        case "inet":
        case "fixedinet":
          return inets[kind](rest) ?? unknown(kind, path);
        case rinetKind:
          return rinet(rest) ?? neg;
        case statusKind:
          return status(rest) ?? neg;
        default:
          return systems.get(kind)?.lookup(rest) ?? unknown(kind, path);
      }
    },
  };
}

const neg: Tree = Activity.value<NameTree<Path>>(NameTree.neg);

const rewritten = (path: Path | undefined): Tree =>
  path === undefined ? neg : Activity.value<NameTree<Path>>(NameTree.leaf(path));

function unknown(kind: string, path: Path): Tree {
  return Activity.failed(new Error(`Unknown namer: ${kind} for path: ${prefix.concat(path).show()}`));
}

/** A service in the daemon itself that answers everything with one status. */
function status(path: Path): Tree | undefined {
  const [code = ""] = path.segments;
  const value = /^\d+$/.test(code) ? Number(code) : 0;
  if (value < 100 || value > 599) return undefined;
  const bound: Bound = {
    id: Path.of("$", statusKind, code),
    addr: Var.value(Addr.bound([Address.status(value)])),
    residual: path.drop(1),
  };
  return Activity.value<NameTree<Path | Bound>>(NameTree.leaf(bound));
}
