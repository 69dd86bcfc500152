/** Area `nametree-eval`: simplification and evaluation. */
import { NameTree } from "../../../dtab/index.ts";
import { same, sameSet, type TestCase } from "../support/case.ts";
import { pathLeaf, pathTree, treeToJson } from "../support/trees.ts";

export default function run({ tree: input, expect }: TestCase) {
  const tree = typeof input === "string" ? NameTree.read(input) : pathTree(input);
  if ("simplified" in expect)
    same(treeToJson(NameTree.simplify(tree), pathLeaf), expect.simplified, "simplified");
  if (!("eval" in expect)) return;
  const leaves = NameTree.eval(tree, (path) => path.show())?.map((path) => path.show());
  if (leaves === undefined || expect.eval === null) return same(leaves ?? null, expect.eval, "eval");
  sameSet(leaves, expect.eval, "eval");
}
