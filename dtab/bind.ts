/** Binding: a name and a dtab to what it leads to, over time. */
import { Activity, State } from "./activity.ts";
import { Addr, type Bound, treeWeightKey } from "./addr.ts";
import type { Dtab } from "./dtab.ts";
import { NameTree, type Weighted } from "./name-tree.ts";
import { Path } from "./path.ts";
import { Var } from "./var.ts";

/** How many lookups may lie on the way to one leaf. */
export const maxDepth = 100;

/** How many branches may lie on the way, multiplied: a request's own dtab must not be able to double the work 100 times. */
const maxBranches = 100_000;

/** One step: what a path leads to; leaves that are paths are looked up again. */
export type NameLookup = (path: Path) => Activity<NameTree<Path | Bound>>;

/** What `bind` needs of a namer; `lookup` is given the path below its prefix. */
export interface BindNamer {
  lookup(path: Path): Activity<NameTree<Path | Bound>>;
}

/** Namers with their prefixes, in the order in which they are asked. */
export type BindNamers = readonly { readonly prefix: Path; readonly namer: BindNamer }[];

/** A name that leads to itself, too deep, or into too many branches. */
export class DelegationLoopError extends Error {
  /** The names on the way, from the one that was asked for. */
  readonly chain: readonly string[];
  /** The names of the cycle, its first again at the end; empty if it is none. */
  readonly cycle: readonly string[];

  constructor(reason: string, chain: readonly string[], cycle: readonly string[] = []) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(reason);
    Error.stackTraceLimit = limit;
    this.name = "DelegationLoopError";
    this.chain = chain;
    this.cycle = cycle;
  }
}

/** The way from the name that was asked for to where a walk stands. */
export interface Trail {
  readonly path: Path;
  readonly depth: number;
  readonly branches: number;
  readonly before: Trail | undefined;
}

/** Takes one more step on a trail; throws `DelegationLoopError` if the step leads back or too far. */
export function follow(before: Trail | undefined, path: Path, branches: number): Trail {
  const trail: Trail = { path, depth: (before?.depth ?? -1) + 1, branches, before };
  for (let at = before; at !== undefined; at = at.before) {
    if (!at.path.equals(path)) continue;
    const cycle = chainOf(trail).slice(at.depth);
    throw new DelegationLoopError(
      `Delegation loop: ${cycle.join(" → ")} (${tooDeep})`,
      chainOf(trail),
      cycle,
    );
  }
  if (trail.depth >= maxDepth) {
    const chain = chainOf(trail);
    throw new DelegationLoopError(
      `${tooDeep}: ${chain.slice(0, 4).join(" → ")} → … → ${chain.at(-1)}`,
      chain,
    );
  }
  if (branches > maxBranches) {
    const chain = chainOf(trail);
    throw new DelegationLoopError(
      `Delegation branches too often: over ${maxBranches} ways to ${chain.at(-1)}`,
      chain,
    );
  }
  return trail;
}

/** Binds one path; see `bind`. */
export const bindPath = (lookup: NameLookup, path: Path): Activity<NameTree<Bound>> =>
  bind(lookup, NameTree.leaf(path));

/**
 * Binds a tree to the end: the result holds no Alt. Alternatives are tried in order, and only Neg moves on. Of a
 * union's branches those that are pending or failed are left out while others are ok, as are Neg and Fail.
 */
export function bind(lookup: NameLookup, tree: NameTree<Path | Bound>): Activity<NameTree<Bound>> {
  return bindTree(lookup, tree, undefined, undefined, 1);
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

function bindTree(
  lookup: NameLookup,
  tree: NameTree<Path | Bound>,
  trail: Trail | undefined,
  weight: number | undefined,
  branches: number,
): Activity<NameTree<Bound>> {
  switch (tree.tag) {
    case "leaf":
      if (!(tree.value instanceof Path)) return Activity.value(NameTree.leaf(weighted(tree.value, weight)));
      return bindStep(lookup, tree.value, trail, weight, branches);
    case "alt":
      return bindAlt(lookup, tree.trees, trail, weight, branches);
    case "union":
      return bindUnion(lookup, tree.branches, trail, weight, branches);
    case "neg":
    case "empty":
    case "fail":
      return Activity.value<NameTree<Bound>>(tree);
  }
}

function bindStep(
  lookup: NameLookup,
  path: Path,
  before: Trail | undefined,
  weight: number | undefined,
  branches: number,
): Activity<NameTree<Bound>> {
  let trail: Trail;
  let found: Activity<NameTree<Path | Bound>>;
  try {
    trail = follow(before, path, branches);
    found = lookup(path);
  } catch (cause) {
    return Activity.failed(cause);
  }
  return found.flatMap((tree) => bindTree(lookup, tree, trail, weight, branches));
}

function bindAlt(
  lookup: NameLookup,
  trees: readonly NameTree<Path | Bound>[],
  trail: Trail | undefined,
  weight: number | undefined,
  branches: number,
): Activity<NameTree<Bound>> {
  const tryFrom = (i: number): Activity<NameTree<Bound>> => {
    const tree = trees[i];
    if (tree === undefined) return Activity.value<NameTree<Bound>>(NameTree.neg);
    const bound = bindTree(lookup, tree, trail, weight, branches * trees.length);
    return i === trees.length - 1
      ? bound
      : bound.flatMap((result) => (result.tag === "neg" ? tryFrom(i + 1) : Activity.value(result)));
  };
  return tryFrom(0);
}

function bindUnion(
  lookup: NameLookup,
  branches: readonly Weighted<Path | Bound>[],
  trail: Trail | undefined,
  weight: number | undefined,
  ways: number,
): Activity<NameTree<Bound>> {
  if (branches.length === 0) return Activity.value<NameTree<Bound>>(NameTree.neg);
  if (branches.length === 1) return bindTree(lookup, branches[0]!.tree, trail, weight, ways);
  const bound = branches.map(
    (branch) => bindTree(lookup, branch.tree, trail, branch.weight, ways * branches.length).states,
  );
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

const tooDeep = `Max recursion level: ${maxDepth} reached in Namer lookup`;

function chainOf(trail: Trail): string[] {
  const chain: string[] = [];
  for (let at: Trail | undefined = trail; at !== undefined; at = at.before) chain.push(at.path.show());
  return chain.reverse();
}
