/** DelegateTree: a delegation explained, every alternative and every rule that was applied kept. */
import type { Bound } from "./addr.ts";
import { Dentry } from "./dtab.ts";
import { NameTree } from "./name-tree.ts";
import { Path } from "./path.ts";

/** What every node of an explained walk carries. */
export interface DelegateNode {
  readonly path: Path;
  /** The rule that led here; undefined at the root. */
  readonly dentry: Dentry | undefined;
}

/** The explanation of a name, by default down to what it is bound to. */
export type DelegateTree<T = Bound> =
  | (DelegateNode & { readonly tag: "delegate"; readonly tree: DelegateTree<T> })
  | (DelegateNode & { readonly tag: "leaf"; readonly value: T })
  | (DelegateNode & { readonly tag: "alt"; readonly trees: readonly DelegateTree<T>[] })
  | (DelegateNode & { readonly tag: "union"; readonly branches: readonly WeightedDelegate<T>[] })
  | (DelegateNode & { readonly tag: "neg" })
  | (DelegateNode & { readonly tag: "empty" })
  | (DelegateNode & { readonly tag: "fail" })
  /** The lookup of this path failed, or has no answer yet. */
  | (DelegateNode & { readonly tag: "exception"; readonly error: Error })
  /** A transformer changed `value` to `tree`. */
  | (DelegateNode & {
      readonly tag: "transformation";
      readonly name: string;
      readonly value: T;
      readonly tree: DelegateTree<T>;
    });

/** A branch of an explained union. */
export interface WeightedDelegate<T = Bound> {
  readonly weight: number;
  readonly tree: DelegateTree<T>;
}

/** One step of the way to a leaf: a path and the rule (or the transformer) that led to it, empty at the root. */
export type DelegateStep = readonly [path: string, rule: string];

/** Operations on explained walks. */
export const DelegateTree = {
  /** A name tree at a path as the beginning of a walk; leaves that are paths stand at their own path. */
  fromNameTree: <T>(path: Path, dentry: Dentry | undefined, tree: NameTree<T>): DelegateTree<T> => {
    switch (tree.tag) {
      case "leaf":
        return {
          tag: "leaf",
          path: tree.value instanceof Path ? tree.value : path,
          dentry,
          value: tree.value,
        };
      case "alt":
        return {
          tag: "alt",
          path,
          dentry,
          trees: tree.trees.map((each) => DelegateTree.fromNameTree(path, dentry, each)),
        };
      case "union": {
        const branches = tree.branches.map(({ weight, tree: branch }) => ({
          weight,
          tree: DelegateTree.fromNameTree(path, dentry, branch),
        }));
        return { tag: "union", path, dentry, branches };
      }
      case "neg":
      case "empty":
      case "fail":
        return { tag: tree.tag, path, dentry };
    }
  },

  /** What the walk came to; a failed lookup is Fail. */
  toNameTree: <T>(tree: DelegateTree<T>): NameTree<T> => {
    switch (tree.tag) {
      case "delegate":
      case "transformation":
        return DelegateTree.toNameTree(tree.tree);
      case "leaf":
        return NameTree.leaf(tree.value);
      case "alt":
        return NameTree.alt(...tree.trees.map((each) => DelegateTree.toNameTree(each)));
      case "union":
        return NameTree.union(
          ...tree.branches.map((each) => ({ weight: each.weight, tree: DelegateTree.toNameTree(each.tree) })),
        );
      case "exception":
        return NameTree.fail;
      case "neg":
      case "empty":
      case "fail":
        return NameTree[tree.tag];
    }
  },

  /** The same walk with nodes that stand at the same path put together. */
  simplify: <T>(tree: DelegateTree<T>): DelegateTree<T> => {
    switch (tree.tag) {
      case "delegate":
        return simplifyDelegate(tree.path, tree.dentry, DelegateTree.simplify(tree.tree));
      case "alt":
        return simplifyAlt(tree);
      case "union": {
        const [first] = tree.branches;
        if (first === undefined) return { tag: "neg", path: tree.path, dentry: tree.dentry };
        if (tree.branches.length === 1)
          return simplifyDelegate(tree.path, tree.dentry, DelegateTree.simplify(first.tree));
        const branches = tree.branches.map((each) => ({
          weight: each.weight,
          tree: DelegateTree.simplify(each.tree),
        }));
        return { ...tree, branches };
      }
      case "transformation":
        return { ...tree, tree: DelegateTree.simplify(tree.tree) };
      case "leaf":
      case "neg":
      case "empty":
      case "fail":
      case "exception":
        return tree;
    }
  },

  /** The way from the root to the first leaf that fits, or undefined. */
  find: <T>(tree: DelegateTree<T>, fits: (value: T) => boolean): readonly DelegateStep[] | undefined => {
    const step: DelegateStep = [tree.path.show(), ruleOf(tree)];
    if (tree.tag === "leaf") return fits(tree.value) ? [step] : undefined;
    for (const child of childrenOf(tree)) {
      const rest = DelegateTree.find(child, fits);
      if (rest !== undefined) return [step, ...rest];
    }
    return undefined;
  },

  /** Every leaf's value, in order. */
  leaves: <T>(tree: DelegateTree<T>): T[] =>
    tree.tag === "leaf" ? [tree.value] : childrenOf(tree).flatMap((child) => DelegateTree.leaves(child)),
};

/** A step to a node at the same path is that node, reached by the step's rule; Neg, Empty and Fail stay apart. */
function simplifyDelegate<T>(path: Path, dentry: Dentry | undefined, tree: DelegateTree<T>): DelegateTree<T> {
  const kept = tree.tag === "neg" || tree.tag === "empty" || tree.tag === "fail" || tree.tag === "exception";
  if (!kept && tree.path.equals(path)) return { ...tree, dentry };
  return { tag: "delegate", path, dentry, tree };
}

function simplifyAlt<T>(alt: DelegateTree<T> & { readonly tag: "alt" }): DelegateTree<T> {
  const trees = alt.trees.map((each) => DelegateTree.simplify(each));
  if (trees.length === 0) return { tag: "neg", path: alt.path, dentry: alt.dentry };
  if (trees.length === 1) return simplifyDelegate(alt.path, alt.dentry, trees[0]!);
  const flat = trees.flatMap((each) =>
    each.tag === "alt" && each.path.equals(alt.path) ? each.trees : [each],
  );
  return { ...alt, trees: flat };
}

function childrenOf<T>(tree: DelegateTree<T>): readonly DelegateTree<T>[] {
  switch (tree.tag) {
    case "delegate":
    case "transformation":
      return [tree.tree];
    case "alt":
      return tree.trees;
    case "union":
      return tree.branches.map((each) => each.tree);
    case "leaf":
    case "neg":
    case "empty":
    case "fail":
    case "exception":
      return [];
  }
}

function ruleOf(tree: DelegateTree<unknown>): string {
  if (tree.tag === "transformation") return tree.name;
  return tree.dentry === undefined ? "" : Dentry.show(tree.dentry);
}
