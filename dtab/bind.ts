/** Binding: a name and a dtab to what it leads to, over time. */
import { Activity, State } from "./activity.ts";
import { Addr, type Bound, treeWeightKey } from "./addr.ts";
import type { Dtab } from "./dtab.ts";
import { NameTree, type Weighted } from "./name-tree.ts";
import { Path } from "./path.ts";
import { follow, LookupBudget, type Trail } from "./trail.ts";
import { Var } from "./var.ts";

/** How many lookups one binding may take in all: a request's own dtab must not be able to double the work 100 times. */
const maxLookups = 5_000;

/** One step: what a path leads to; leaves that are paths are looked up again. */
export type NameLookup = (path: Path) => Activity<NameTree<Path | Bound>>;

/** What `bind` needs of a namer; `lookup` is given the path below its prefix. */
export interface BindNamer {
  lookup(path: Path): Activity<NameTree<Path | Bound>>;
}

/** Namers with their prefixes, in the order in which they are asked. */
export type BindNamers = readonly { readonly prefix: Path; readonly namer: BindNamer }[];

/** Binds one path; see `bind`. */
export const bindPath = (lookup: NameLookup, path: Path): Activity<NameTree<Bound>> =>
  bind(lookup, NameTree.leaf(path));

/**
 * Binds a tree to the end: the result holds no Alt. Alternatives are tried in order, and only Neg moves on. Of a
 * union's branches those that are pending or failed are left out while others are ok, as are Neg and Fail.
 */
export function bind(lookup: NameLookup, tree: NameTree<Path | Bound>): Activity<NameTree<Bound>> {
  const budget = new LookupBudget(maxLookups);
  const { states } = bindTree({ lookup, budget }, tree, undefined, undefined);
  // A union would go on with the branches that were bound before the budget was spent.
  return Activity.of(
    states.map((state) => (budget.spent === undefined ? state : State.failed(budget.spent))),
  );
}

/** Looks a path up in a dtab, and only if that is Neg in the namers. */
export const nameLookup =
  (dtab: Dtab, namers: BindNamers): NameLookup =>
  (path) => {
    const tree = dtab.lookup(path);
    return tree.tag === "neg" ? namersLookup(namers, path) : Activity.value<NameTree<Path | Bound>>(tree);
  };

/** Asks every namer whose prefix fits, until one does not answer Neg. */
export function namersLookup(namers: BindNamers, path: Path): Activity<NameTree<Path | Bound>> {
  const ask = (from: number): Activity<NameTree<Path | Bound>> => {
    for (let i = from; i < namers.length; i++) {
      const { prefix, namer } = namers[i]!;
      if (!path.startsWith(prefix)) continue;
      const next = i + 1;
      const answer = namer.lookup(path.drop(prefix.size));
      return answer.flatMap((tree) => (tree.tag === "neg" ? ask(next) : Activity.value(tree)));
    }
    return Activity.value<NameTree<Path | Bound>>(NameTree.neg);
  };
  return ask(0);
}

interface Binding {
  readonly lookup: NameLookup;
  readonly budget: LookupBudget;
}

function bindTree(
  binding: Binding,
  tree: NameTree<Path | Bound>,
  trail: Trail | undefined,
  weight: number | undefined,
): Activity<NameTree<Bound>> {
  switch (tree.tag) {
    case "leaf":
      if (!(tree.value instanceof Path)) return Activity.value(NameTree.leaf(weighted(tree.value, weight)));
      return bindStep(binding, tree.value, trail, weight);
    case "alt":
      return bindAlt(binding, tree.trees, trail, weight);
    case "union":
      return bindUnion(binding, tree.branches, trail, weight);
    case "neg":
    case "empty":
    case "fail":
      return Activity.value<NameTree<Bound>>(tree);
  }
}

function bindStep(
  binding: Binding,
  path: Path,
  before: Trail | undefined,
  weight: number | undefined,
): Activity<NameTree<Bound>> {
  try {
    const trail = follow(before, path);
    return binding.budget.spend(trail, () =>
      binding.lookup(path).flatMap((tree) => bindTree(binding, tree, trail, weight)),
    );
  } catch (cause) {
    return Activity.failed(cause);
  }
}

function bindAlt(
  binding: Binding,
  trees: readonly NameTree<Path | Bound>[],
  trail: Trail | undefined,
  weight: number | undefined,
): Activity<NameTree<Bound>> {
  const tryFrom = (i: number): Activity<NameTree<Bound>> => {
    const tree = trees[i];
    if (tree === undefined) return Activity.value<NameTree<Bound>>(NameTree.neg);
    const bound = bindTree(binding, tree, trail, weight);
    if (i === trees.length - 1) return bound;
    return bound.flatMap((result) => (result.tag === "neg" ? tryFrom(i + 1) : Activity.value(result)));
  };
  return tryFrom(0);
}

function bindUnion(
  binding: Binding,
  branches: readonly Weighted<Path | Bound>[],
  trail: Trail | undefined,
  weight: number | undefined,
): Activity<NameTree<Bound>> {
  if (branches.length === 0) return Activity.value<NameTree<Bound>>(NameTree.neg);
  if (branches.length === 1) return bindTree(binding, branches[0]!.tree, trail, weight);
  const bound = branches.map((branch) => bindTree(binding, branch.tree, trail, branch.weight).states);
  return Activity.of(Var.join(bound).map((states) => unionOf(branches, states)));
}

function unionOf(
  branches: readonly Weighted<unknown>[],
  states: readonly State<NameTree<Bound>>[],
): State<NameTree<Bound>> {
  const good: Weighted<Bound>[] = [];
  states.forEach((state, i) => {
    if (state.tag === "ok") good.push({ weight: branches[i]!.weight, tree: state.value });
  });
  if (good.length === 0) return states.find((state) => state.tag === "failed") ?? State.pending;
  return State.ok(good.length === 1 ? good[0]!.tree : NameTree.simplify(NameTree.union(...good)));
}

function weighted(bound: Bound, weight: number | undefined): Bound {
  if (weight === undefined) return bound;
  return { ...bound, addr: bound.addr.map((addr) => Addr.withMeta(addr, treeWeightKey, weight)) };
}
