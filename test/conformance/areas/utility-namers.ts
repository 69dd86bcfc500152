/** Area `utility-namers`: the rewriting namers below `/$/io.buoyant…`. */
import { namersLookup, Path } from "../../../dtab/index.ts";
import { same, type TestCase } from "../support/case.ts";
import { builtins } from "../support/stubs.ts";
import { anyLeaf, treeToJson } from "../support/trees.ts";

export default function run({ path, expect }: TestCase) {
  const state = namersLookup(builtins(), Path.read(path)).sample();
  same(state.tag, expect.state, "state");
  if (state.tag !== "ok") return;
  const { addr: _addr, ...tree } = treeToJson(state.value, anyLeaf);
  same(tree, expect.tree, "tree");
}
