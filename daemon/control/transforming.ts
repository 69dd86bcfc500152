/** Transformers around namers and interpreters: every bound leaf goes through them, in order. */
import {
  Activity,
  type Bound,
  DelegateTree,
  type Dentry,
  NameTree,
  Path,
  replaceChildren,
} from "../../dtab/index.ts";
import type { NameInterpreter, Namer, Transformer } from "../../plugins/contract.ts";

/** A transformer with the name that explanations give it. */
export interface NamedTransformer {
  readonly name: string;
  readonly transformer: Transformer;
}

/** The namer with its bound answers transformed; a tree with a name that is looked up again stays as it is. */
export const transformNamer = (namer: Namer, transformers: readonly NamedTransformer[]): Namer => {
  if (transformers.length === 0) return namer;
  return {
    ...rest(namer),
    lookup: (path) => namer.lookup(path).flatMap((tree) => transformBound(tree, transformers)),
  };
};

/** The interpreter with its trees transformed; it explains if it did, and all transformers can be shown. */
export const transformInterpreter = (
  interpreter: NameInterpreter,
  transformers: readonly NamedTransformer[],
): NameInterpreter => {
  if (transformers.length === 0) return interpreter;
  const { delegate, ...others } = rest(interpreter) as NameInterpreter;
  const bind: NameInterpreter["bind"] = (dtab, path) =>
    interpreter.bind(dtab, path).flatMap((tree) => transformAll(tree, transformers));
  if (delegate === undefined || !transformers.every(({ transformer }) => transformer.delegable)) {
    return { ...others, bind };
  }
  return {
    ...others,
    bind,
    delegate: (dtab, path) =>
      transformers.reduce<Activity<DelegateTree>>(
        (explained, each) => explained.flatMap((tree) => explainTransformed(tree, each)),
        delegate(dtab, path),
      ),
  };
};

/** Everything that a plugin's object can do, bound to it, for classes keep their methods on the prototype. */
const rest = <T extends Namer | NameInterpreter>(plugin: T): T => {
  const result: Record<string, unknown> = {};
  for (const method of ["lookup", "names", "bind", "delegate", "dtab", "state"]) {
    const fn = (plugin as unknown as Record<string, unknown>)[method];
    if (typeof fn === "function") result[method] = fn.bind(plugin);
  }
  return result as unknown as T;
};

const transformAll = (
  tree: NameTree<Bound>,
  transformers: readonly NamedTransformer[],
): Activity<NameTree<Bound>> =>
  transformers.reduce<Activity<NameTree<Bound>>>(
    (trees, { transformer }) => trees.flatMap((each) => transformer.transform(each)),
    Activity.value(tree),
  );

/** A tree that holds bound names only goes through all of them; any other is left alone, as in Linkerd 1. */
const transformBound = (
  tree: NameTree<Path | Bound>,
  transformers: readonly NamedTransformer[],
): Activity<NameTree<Path | Bound>> =>
  isBound(tree) ? transformAll(tree, transformers) : Activity.value<NameTree<Path | Bound>>(tree);

const isBound = (tree: NameTree<Path | Bound>): tree is NameTree<Bound> => {
  switch (tree.tag) {
    case "leaf":
      return !(tree.value instanceof Path);
    case "alt":
      return tree.trees.every(isBound);
    case "union":
      return tree.branches.every((branch) => isBound(branch.tree));
    case "neg":
    case "empty":
    case "fail":
      return true;
  }
};

/** What became of a leaf, told under the name of its new client and the rule that led to it. */
const explainResult = (tree: NameTree<Bound>, path: Path, dentry: Dentry | undefined): DelegateTree =>
  tree.tag === "leaf"
    ? DelegateTree.fromNameTree(tree.value.id, dentry, tree)
    : DelegateTree.fromNameTree(path, dentry, tree);

const explainTransformed = (tree: DelegateTree, named: NamedTransformer): Activity<DelegateTree> => {
  switch (tree.tag) {
    case "leaf": {
      const { path, dentry, value } = tree;
      return named.transformer.transform(NameTree.leaf(value)).map((result) => ({
        tag: "transformation" as const,
        path,
        dentry,
        name: named.name,
        value,
        tree: explainResult(result, path, dentry),
      }));
    }
    case "transformation":
      return explainTransformed(tree.tree, named).map((next) => ({ ...tree, tree: next }));
    default:
      return replaceChildren(tree, (child) => explainTransformed(child, named));
  }
};
