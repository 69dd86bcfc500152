/** The choice among a bound tree's branches, prepared once per tree and cheap per request. */
import type { NameTree } from "./name-tree.ts";

/** A prepared tree. */
export interface TreePicker<T> {
  /** The leaf for the next request, undefined where the pick ends in Neg, Empty or Fail; `random` is uniform in [0, 1). */
  pick(random: () => number): T | undefined;
}

/** A leaf, nothing, or a split. */
export type TreePick<T> =
  | { readonly tag: "leaf"; readonly value: T }
  | { readonly tag: "none" }
  /** Branch `i` is picked for draws below `bounds[i]`, out of 1. */
  | { readonly tag: "split"; readonly bounds: readonly number[]; readonly branches: readonly TreePick<T>[] };

/** Prepares a bound tree; an Alt in it is a bug of whoever bound it and throws. */
export function compileTree<T>(tree: NameTree<T>): TreePicker<T> {
  const prepared = prepareTree(tree);
  if (prepared.tag === "leaf") return { pick: () => prepared.value };
  if (prepared.tag === "none") return { pick: () => undefined };
  return { pick: (random) => pickFrom(prepared, random) };
}

/** The decision tree itself, with its probabilities. */
export function prepareTree<T>(tree: NameTree<T>): TreePick<T> {
  switch (tree.tag) {
    case "leaf":
      return tree;
    case "neg":
    case "empty":
    case "fail":
      return { tag: "none" };
    case "alt":
      throw new Error("a bound tree holds no Alt");
    case "union": {
      const branches = tree.branches.map((branch) => prepareTree(branch.tree));
      if (branches.length === 0) return { tag: "none" };
      return { tag: "split", bounds: cumulate(tree.branches.map((branch) => branch.weight)), branches };
    }
  }
}

/** How well a tree or an endpoint serves. */
export type TreeStatus = "open" | "busy" | "closed";

/** The worst status of all leaves, whatever their weights; Neg, Empty, Fail and Alt are closed. */
export function treeStatus<T>(tree: NameTree<T>, statusOf: (leaf: T) => TreeStatus): TreeStatus {
  switch (tree.tag) {
    case "leaf":
      return statusOf(tree.value);
    case "union": {
      const all = tree.branches.map((branch) => treeStatus(branch.tree, statusOf));
      if (all.length === 0 || all.includes("closed")) return "closed";
      return all.includes("busy") ? "busy" : "open";
    }
    case "alt":
    case "neg":
    case "empty":
    case "fail":
      return "closed";
  }
}

function pickFrom<T>(split: TreePick<T>, random: () => number): T | undefined {
  let at = split;
  while (at.tag === "split") {
    const draw = random();
    let i = 0;
    while (draw >= at.bounds[i]!) i++;
    at = at.branches[i]!;
  }
  return at.tag === "leaf" ? at.value : undefined;
}

/** Upper bounds of each branch's share of [0, 1); all weights zero share evenly, and the last share with weight ends at 1. */
function cumulate(weights: readonly number[]): number[] {
  const usable = weights.map((weight) => (weight > 0 && Number.isFinite(weight) ? weight : 0));
  const sum = usable.reduce((total, weight) => total + weight, 0);
  const shares = sum > 0 ? usable : usable.map(() => 1);
  const total = sum > 0 ? sum : shares.length;
  const last = shares.findLastIndex((share) => share > 0);
  let below = 0;
  return shares.map((share, i) => (i >= last ? 1 : (below += share) / total));
}
