/** Area `tree-distribution`: the pick among a bound tree's branches. */
import assert from "node:assert/strict";
import { NameTree, prepareTree, type TreePick, treeStatus } from "../../../dtab/index.ts";
import { same, type TestCase } from "../support/case.ts";
import { treeFromJson } from "../support/trees.ts";

export default function run({ op, tree: json, statuses, expect }: TestCase) {
  const tree = treeFromJson<string>(json, (leaf) => leaf.path);
  if (op === "status")
    return same(
      treeStatus(tree, (leaf) => statuses[leaf]),
      expect.status,
    );
  const shares = new Map<string, number>();
  // Bound trees hold no Alt and a compiler refuses them; the reference counts picks that end in one.
  const withoutAlts = replaceAlts(tree);
  collect(prepareTree(withoutAlts), 1, shares);
  const alts = shares.get(altMark) ?? 0;
  shares.delete(altMark);
  const leaves = [...shares].filter(([leaf]) => leaf !== "");
  const near = (actual: number, expected: number, what: string) =>
    assert.ok(Math.abs(actual - expected) < 1e-9, `${what}: expected ${expected}, got ${actual}`);
  same(leaves.map(([leaf]) => leaf).sort(), Object.keys(expect.distribution).sort(), "leaves");
  for (const [leaf, share] of leaves) near(share, expect.distribution[leaf], leaf);
  near(shares.get("") ?? 0, expect.noBrokers, "noBrokers");
  near(alts, expect.error, "error");
  if (alts > 0) assert.throws(() => prepareTree(tree), /holds no Alt/);
}

const altMark = "|";

function replaceAlts(tree: NameTree<string>): NameTree<string> {
  if (tree.tag === "alt") return NameTree.leaf(altMark);
  if (tree.tag !== "union") return tree;
  return NameTree.union(
    ...tree.branches.map(({ weight, tree: each }) => ({ weight, tree: replaceAlts(each) })),
  );
}

function collect(pick: TreePick<string>, share: number, shares: Map<string, number>): void {
  if (pick.tag === "split") {
    pick.branches.forEach((branch, i) => {
      collect(branch, share * (pick.bounds[i]! - (pick.bounds[i - 1] ?? 0)), shares);
    });
    return;
  }
  const leaf = pick.tag === "leaf" ? pick.value : "";
  shares.set(leaf, (shares.get(leaf) ?? 0) + share);
}
