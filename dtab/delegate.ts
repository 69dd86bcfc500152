/** Delegation explained: the walk of `bind`, every alternative and every rule that was applied kept. */
import { Activity, State } from "./activity.ts";
import type { Bound } from "./addr.ts";
import { type BindNamers, follow, namersLookup, type Trail } from "./bind.ts";
import { Dentry, type Dtab } from "./dtab.ts";
import { NameTree } from "./name-tree.ts";
import { Path } from "./path.ts";
import { Var } from "./var.ts";

/** What every node of an explained walk carries. */
interface Node {
  readonly path: Path;
  /** The rule that led here; undefined at the root. */
  readonly dentry: Dentry | undefined;
}

/** The explanation of a name, by default down to what it is bound to. */
export type DelegateTree<T = Bound> =
  | (Node & { readonly tag: "delegate"; readonly tree: DelegateTree<T> })
  | (Node & { readonly tag: "leaf"; readonly value: T })
  | (Node & { readonly tag: "alt"; readonly trees: readonly DelegateTree<T>[] })
  | (Node & { readonly tag: "union"; readonly branches: readonly WeightedDelegate<T>[] })
  | (Node & { readonly tag: "neg" })
  | (Node & { readonly tag: "empty" })
  | (Node & { readonly tag: "fail" })
  /** The lookup of this path failed, or has no answer yet. */
  | (Node & { readonly tag: "exception"; readonly error: Error })
  /** A transformer changed `value` to `tree`. */
  | (Node & {
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

/** Explains a path under a dtab and namers; see `delegate`. */
export const delegatePath = (dtab: Dtab, namers: BindNamers, path: Path): Activity<DelegateTree> =>
  explain({ dtab, namers }, { tag: "leaf", path, dentry: undefined, value: path }, undefined, 1).map(
    DelegateTree.simplify,
  );

/**
 * Explains a tree: as `bind`, but every alternative is followed, and a failed lookup or a loop is a node of the
 * result, so that the rest can be seen.
 */
export const delegate = (dtab: Dtab, namers: BindNamers, tree: NameTree<Path>): Activity<DelegateTree> => {
  const start = DelegateTree.fromNameTree<Path | Bound>(Path.empty, undefined, tree);
  return explain({ dtab, namers }, start, undefined, 1).map(DelegateTree.simplify);
};

interface Rules {
  readonly dtab: Dtab;
  readonly namers: BindNamers;
}

function explain(
  rules: Rules,
  tree: DelegateTree<Path | Bound>,
  trail: Trail | undefined,
  ways: number,
): Activity<DelegateTree> {
  switch (tree.tag) {
    case "leaf": {
      const { value, ...node } = tree;
      return value instanceof Path
        ? explainPath(rules, value, tree.dentry, trail, ways)
        : Activity.value<DelegateTree>({ ...node, value });
    }
    case "delegate":
      return explain(rules, tree.tree, trail, ways).map((next) => ({ ...tree, tree: next }));
    case "alt": {
      const explained = tree.trees.map((each) => explain(rules, each, trail, ways * tree.trees.length));
      return Activity.join(explained).map((trees) => ({ ...tree, trees }));
    }
    case "union": {
      const explained = tree.branches.map((each) =>
        explain(rules, each.tree, trail, ways * tree.branches.length),
      );
      return Activity.join(explained).map((trees) => ({
        ...tree,
        branches: trees.map((each, i) => ({ weight: tree.branches[i]!.weight, tree: each })),
      }));
    }
    case "neg":
    case "empty":
    case "fail":
    case "exception":
      return Activity.value<DelegateTree>(tree);
    case "transformation":
      throw new Error("a transformation stands only in a finished explanation");
  }
}

function explainPath(
  rules: Rules,
  path: Path,
  dentry: Dentry | undefined,
  before: Trail | undefined,
  ways: number,
): Activity<DelegateTree> {
  const node = { path, dentry };
  let trail: Trail;
  try {
    trail = follow(before, path, ways);
  } catch (cause) {
    return Activity.value<DelegateTree>({ ...node, tag: "exception", error: State.failed(cause).error });
  }
  const matches = rules.dtab.matches(path);
  const trees = matches.map((match) => fromDentry(path, match));
  const [only] = trees;
  if (only === undefined) return askNamers(rules, node, { ...node, tag: "neg" }, trail, ways);
  if (trees.length > 1) return explain(rules, { ...node, tag: "alt", trees }, trail, ways);
  const one: DelegateTree<Path | Bound> = { ...node, tag: "delegate", tree: only };
  // As in `bind`: a rule that says just `~` does not keep the namers from being asked.
  return only.tag === "neg" ? askNamers(rules, node, one, trail, ways) : explain(rules, one, trail, ways);
}

function askNamers(
  rules: Rules,
  node: Node,
  otherwise: DelegateTree<Path | Bound>,
  trail: Trail,
  ways: number,
): Activity<DelegateTree> {
  const toNode = (state: State<NameTree<Path | Bound>>): State<DelegateTree<Path | Bound>> => {
    if (state.tag === "failed") return State.ok({ ...node, tag: "exception", error: state.error });
    if (state.tag === "pending") return state;
    return State.ok(
      state.value.tag === "neg" ? otherwise : DelegateTree.fromNameTree(node.path, node.dentry, state.value),
    );
  };
  let states: Var<State<NameTree<Path | Bound>>>;
  try {
    states = namersLookup(rules.namers, node.path).states;
  } catch (cause) {
    states = Var.value<State<NameTree<Path | Bound>>>(State.failed(cause));
  }
  return Activity.of(states.map(toNode)).flatMap((tree) => explain(rules, tree, trail, ways));
}

/** What a rule makes of a path; a `~` in a rule stands at no path, as Linkerd 1 shows it. */
function fromDentry(path: Path, dentry: Dentry): DelegateTree<Path> {
  const emptyNegs = (tree: DelegateTree<Path>): DelegateTree<Path> => {
    if (tree.tag === "neg") return { ...tree, path: Path.empty };
    if (tree.tag === "alt") return { ...tree, trees: tree.trees.map(emptyNegs) };
    if (tree.tag !== "union") return tree;
    return {
      ...tree,
      branches: tree.branches.map((each) => ({ weight: each.weight, tree: emptyNegs(each.tree) })),
    };
  };
  return emptyNegs(DelegateTree.fromNameTree(path, dentry, Dentry.apply(dentry, path)));
}

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
