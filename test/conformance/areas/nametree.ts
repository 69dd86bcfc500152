/** Area `nametree`: the syntax of trees. */
import { NameTree } from "../../../dtab/index.ts";
import { expecting, same, type TestCase } from "../support/case.ts";
import { pathLeaf, pathTree, treeToJson } from "../support/trees.ts";

export default function run({ op, input, tree, expect }: TestCase) {
  if (op === "show") return same(NameTree.show(pathTree(tree)), expect.show, "show");
  expecting(
    expect,
    () => NameTree.read(input),
    (result) => {
      same(treeToJson(result, pathLeaf), expect.tree, "tree");
      same(NameTree.show(result), expect.show, "show");
    },
  );
}
