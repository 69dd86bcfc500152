/** The stub namers of the vectors, and the interpreters over them. */
import { Activity, Addr, Address, type Bound, Dtab, NameTree, Path, Var } from "../../../dtab/index.ts";
import { builtinNamers } from "../../../namers/builtin/global.ts";
import { createRewritingNamer } from "../../../namers/rewrite.ts";
import type { NameInterpreter, Namer, PrefixedNamer } from "../../../plugins/contract.ts";
import { dtabInterpreter } from "../../../plugins/lib/dtab-interpreter.ts";
import { fakeClock } from "../../kit/clock.ts";
import { addrFromJson, type Json } from "./trees.ts";

/** The `/$` namers with a resolver that knows only this host. */
export const builtins = (): readonly PrefixedNamer[] =>
  builtinNamers({ clock: fakeClock(), log: { debug() {}, info() {}, warn() {}, error() {} } }, async () => [
    "127.0.0.1",
  ]);

/** Namers from their JSON, followed by the `/$` ones. */
export const stubNamers = (json: readonly Json[] = []): readonly PrefixedNamer[] => [
  ...json.map((each) => ({ prefix: Path.read(each.prefix), namer: stubNamer(each) })),
  ...builtins(),
];

/** An interpreter over stub namers; `baseDtab` is its own dtab. */
export const stubInterpreter = (namers: readonly Json[] = [], baseDtab = ""): NameInterpreter =>
  dtabInterpreter(Activity.value(Dtab.read(baseDtab)), stubNamers(namers));

type Tree = Activity<NameTree<Path | Bound>>;
const value = (tree: NameTree<Path | Bound>): Tree => Activity.value(tree);

function stubNamer(json: Json): Namer {
  return { lookup: (path) => answer(json, path) };
}

function answer(json: Json, path: Path): Tree {
  switch (json.kind) {
    case "neg":
    case "empty":
    case "fail":
      return value(NameTree[json.kind as "neg" | "empty" | "fail"]);
    case "pending":
      return Activity.pending;
    case "error":
      return Activity.failed(new Error(json.message));
    case "tree":
      return value(NameTree.read(json.tree));
    case "rewrite":
      return value(NameTree.leaf(Path.read(json.to).concat(path)));
    case "io.l5d.rewrite":
      return createRewritingNamer(json.pattern, json.name).lookup(path);
    case "bound":
      return path.size < (json.consume ?? 0) ? value(NameTree.neg) : value(NameTree.leaf(bound(json, path)));
    default:
      throw new Error(`no such stub namer: ${json.kind}`);
  }
}

const bound = (json: Json, path: Path): Bound => ({
  id: Path.read(json.id ?? json.prefix).concat(path.take(json.consume ?? 0)),
  residual: path.drop(json.consume ?? 0),
  addr: Var.value(
    json.addr === undefined ? Addr.bound([Address.of("127.0.0.1", 1234)]) : addrFromJson(json.addr),
  ),
});
