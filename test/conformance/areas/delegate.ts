/**
 * Area `delegate`: explained delegation. Where the reference refuses to explain a name because of a loop, we explain the
 * rest and put the loop in its place.
 */
import assert from "node:assert/strict";
import {
  type Bound,
  DelegateTree,
  DelegationLoopError,
  type Dentry,
  Dtab,
  delegate,
  delegatePath,
  NameTree,
  Path,
  Prefix,
  NameTree as Tree,
} from "../../../dtab/index.ts";
import { same, type TestCase } from "../support/case.ts";
import { stubNamers } from "../support/stubs.ts";
import { type Json, pathLeaf, treeToJson } from "../support/trees.ts";

export default function run(testCase: TestCase) {
  const { op, tree, target, expect } = testCase;
  switch (op) {
    case "delegate":
    case "delegateTree":
      return checkDelegation(testCase);
    case "simplify":
      return same(toJson(DelegateTree.simplify(fromJson(tree)), valueJson), withNulls(expect.tree), "tree");
    case "toNameTree":
      return same(treeToJson(DelegateTree.toNameTree(fromJson(tree)), pathLeaf), expect.tree, "tree");
    case "find": {
      const found = DelegateTree.find(fromJson(tree), (value) => value.equals(Path.read(target)));
      return same(found ?? null, expect.result);
    }
    default:
      assert.fail(`no such op: ${op}`);
  }
}

function checkDelegation({ op, path, input, dtab, baseDtab, namers, expect }: TestCase) {
  const table = Dtab.read(baseDtab ?? "").concat(Dtab.read(dtab));
  const explained =
    op === "delegate"
      ? delegatePath(table, stubNamers(namers), Path.read(path))
      : delegate(table, stubNamers(namers), NameTree.read(input));
  const state = explained.sample();
  if (expect.error === true) {
    if (state.tag === "failed") return;
    assert.ok(state.tag === "ok" && hasLoop(state.value), `expected an error, got ${state.tag}`);
    return;
  }
  assert.equal(state.tag, "ok");
  if (state.tag === "ok") same(toJson(state.value, boundJson), withNulls(expect.tree), "tree");
}

function hasLoop(tree: DelegateTree<unknown>): boolean {
  if (tree.tag === "exception") return tree.error instanceof DelegationLoopError;
  if (tree.tag === "alt") return tree.trees.some(hasLoop);
  if (tree.tag === "union") return tree.branches.some((branch) => hasLoop(branch.tree));
  return (tree.tag === "delegate" || tree.tag === "transformation") && hasLoop(tree.tree);
}

const boundJson = ({ id, residual }: Bound): Json => ({
  bound: { id: id.show(), residual: residual.show() },
});
const valueJson = (value: Path): Json => ({ value: value.show() });

function toJson<T>(tree: DelegateTree<T>, leaf: (value: T) => Json): Json {
  const dentry = tree.dentry && { prefix: tree.dentry.prefix.show(), dst: Tree.show(tree.dentry.dst) };
  const node = { type: tree.tag, path: tree.path.show(), dentry: dentry ?? null };
  switch (tree.tag) {
    case "delegate":
      return { ...node, tree: toJson(tree.tree, leaf) };
    case "leaf":
      return { ...node, ...leaf(tree.value) };
    case "alt":
      return { ...node, trees: tree.trees.map((each) => toJson(each, leaf)) };
    case "union":
      return {
        ...node,
        trees: tree.branches.map((each) => ({ weight: each.weight, tree: toJson(each.tree, leaf) })),
      };
    case "exception":
      return { ...node, message: tree.error.message };
    case "transformation":
      return { ...node, name: tree.name, ...leaf(tree.value), tree: toJson(tree.tree, leaf) };
    case "neg":
    case "empty":
    case "fail":
      return node;
  }
}

function fromJson(json: Json): DelegateTree<Path> {
  const dentry: Dentry | undefined = json.dentry
    ? { prefix: Prefix.read(json.dentry.prefix), dst: NameTree.read(json.dentry.dst) }
    : undefined;
  const node = { path: Path.read(json.path), dentry };
  switch (json.type) {
    case "delegate":
      return { ...node, tag: "delegate", tree: fromJson(json.tree) };
    case "leaf":
      return { ...node, tag: "leaf", value: Path.read(json.value) };
    case "alt":
      return { ...node, tag: "alt", trees: json.trees.map(fromJson) };
    case "union": {
      const branches = json.trees.map((each: Json) => ({ weight: each.weight, tree: fromJson(each.tree) }));
      return { ...node, tag: "union", branches };
    }
    case "exception":
      return { ...node, tag: "exception", error: new Error(json.message) };
    case "transformation":
      return {
        ...node,
        tag: "transformation",
        name: json.name,
        value: Path.read(json.value),
        tree: fromJson(json.tree),
      };
    default:
      return { ...node, tag: json.type };
  }
}

/** The rules of an expectation as they are shown, and absent ones as null. */
function withNulls(json: Json): Json {
  const dentry = json.dentry && {
    prefix: json.dentry.prefix,
    dst: Tree.show(NameTree.read(json.dentry.dst)),
  };
  const trees = json.trees?.map((each: Json) =>
    "tree" in each && !("type" in each)
      ? { weight: each.weight, tree: withNulls(each.tree) }
      : withNulls(each),
  );
  return {
    ...json,
    dentry: dentry ?? null,
    ...(trees && { trees }),
    ...(json.tree && { tree: withNulls(json.tree) }),
  };
}
