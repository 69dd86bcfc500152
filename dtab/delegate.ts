/** Delegation explained: the walk of `bind`, with every alternative followed. */
import { Activity, State } from "./activity.ts";
import type { Bound } from "./addr.ts";
import { type BindNamers, namersLookup } from "./bind.ts";
import { replaceChildren } from "./delegate-children.ts";
import { type DelegateNode, DelegateTree } from "./delegate-tree.ts";
import { Dentry, type Dtab } from "./dtab.ts";
import type { NameTree } from "./name-tree.ts";
import { Path } from "./path.ts";
import { follow, LookupBudget, type Trail } from "./trail.ts";
import { Var } from "./var.ts";

/** Explains a path under a dtab and namers; see `delegate`. */
export const delegatePath = (dtab: Dtab, namers: BindNamers, path: Path): Activity<DelegateTree> =>
  explain(newWalk(dtab, namers), { tag: "leaf", path, dentry: undefined, value: path }, undefined).map(
    DelegateTree.simplify,
  );

/**
 * Explains a tree: as `bind`, but every alternative is followed, and a failed lookup or a loop is a node of the
 * result, so that the rest can be seen.
 */
export const delegate = (dtab: Dtab, namers: BindNamers, tree: NameTree<Path>): Activity<DelegateTree> => {
  const start = DelegateTree.fromNameTree<Path | Bound>(Path.empty, undefined, tree);
  return explain(newWalk(dtab, namers), start, undefined).map(DelegateTree.simplify);
};

/** How many lookups are explained: every alternative is followed, and who would read more? */
const maxLookups = 1_000;

interface Walk {
  readonly dtab: Dtab;
  readonly namers: BindNamers;
  readonly budget: LookupBudget;
}

const newWalk = (dtab: Dtab, namers: BindNamers): Walk => ({
  dtab,
  namers,
  budget: new LookupBudget(maxLookups),
});

function explain(
  walk: Walk,
  tree: DelegateTree<Path | Bound>,
  trail: Trail | undefined,
): Activity<DelegateTree> {
  switch (tree.tag) {
    case "leaf": {
      const { value, ...node } = tree;
      return value instanceof Path
        ? explainPath(walk, value, tree.dentry, trail)
        : Activity.value<DelegateTree>({ ...node, value });
    }
    case "transformation":
      throw new Error("a transformation stands only in a finished explanation");
    default:
      return replaceChildren(tree, (child) => explain(walk, child, trail));
  }
}

function explainPath(
  walk: Walk,
  path: Path,
  dentry: Dentry | undefined,
  before: Trail | undefined,
): Activity<DelegateTree> {
  try {
    const trail = follow(before, path);
    return walk.budget.spend(trail, () => explainStep(walk, { path, dentry }, trail));
  } catch (cause) {
    return Activity.value<DelegateTree>({ path, dentry, tag: "exception", error: State.failed(cause).error });
  }
}

function explainStep(walk: Walk, node: DelegateNode, trail: Trail): Activity<DelegateTree> {
  const trees = walk.dtab.matches(node.path).map((match) => fromDentry(node.path, match));
  const [only] = trees;
  if (only === undefined) return askNamers(walk, node, { ...node, tag: "neg" }, trail);
  if (trees.length > 1) return explain(walk, { ...node, tag: "alt", trees }, trail);
  const one: DelegateTree<Path | Bound> = { ...node, tag: "delegate", tree: only };
  // As in `bind`: a rule that says just `~` does not keep the namers from being asked.
  return only.tag === "neg" ? askNamers(walk, node, one, trail) : explain(walk, one, trail);
}

function askNamers(
  walk: Walk,
  node: DelegateNode,
  otherwise: DelegateTree<Path | Bound>,
  trail: Trail,
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
    states = namersLookup(walk.namers, node.path).states;
  } catch (cause) {
    states = Var.value<State<NameTree<Path | Bound>>>(State.failed(cause));
  }
  return Activity.of(states.map(toNode)).flatMap((tree) => explain(walk, tree, trail));
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
