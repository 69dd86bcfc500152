/** Area `dtab-lookup`: one step of delegation. */
import { Dtab, Path } from "../../../dtab/index.ts";
import { same, type TestCase } from "../support/case.ts";
import { pathLeaf, treeToJson } from "../support/trees.ts";

export default function run({ dtab, path, expect }: TestCase) {
  same(treeToJson(Dtab.read(dtab).lookup(Path.read(path)), pathLeaf), expect.tree, "tree");
}
