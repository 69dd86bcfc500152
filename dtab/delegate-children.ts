/** A step of a walk through an explanation whose parts change over time. */
import { Activity } from "./activity.ts";
import type { DelegateTree } from "./delegate-tree.ts";

/** What a walk goes through without a rule of its own. */
export type Inner<T> = Exclude<DelegateTree<T>, { readonly tag: "leaf" | "transformation" }>;

/** The tree with what `replace` makes of each of its children in the child's place; what has none is left as it is. */
export function replaceChildren<T>(
  tree: Inner<T>,
  replace: (child: DelegateTree<T>) => Activity<DelegateTree>,
): Activity<DelegateTree> {
  switch (tree.tag) {
    case "delegate":
      return replace(tree.tree).map((next) => ({ ...tree, tree: next }));
    case "alt":
      return Activity.join(tree.trees.map(replace)).map((trees) => ({ ...tree, trees }));
    case "union":
      return Activity.join(tree.branches.map((branch) => replace(branch.tree))).map((trees) => ({
        ...tree,
        branches: trees.map((next, i) => ({ weight: tree.branches[i]!.weight, tree: next })),
      }));
    case "neg":
    case "empty":
    case "fail":
    case "exception":
      return Activity.value<DelegateTree>(tree);
  }
}
