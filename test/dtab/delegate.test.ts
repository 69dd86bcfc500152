/** Explained delegation, held against binding. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  Activity,
  Addr,
  type Bound,
  bindPath,
  DelegateTree,
  Dtab,
  delegatePath,
  NameTree,
  nameLookup,
  Path,
  State,
  Var,
} from "../../dtab/index.ts";
import * as arbitrary from "../kit/names.ts";

const bound = (id: Path): Bound => ({ id, addr: Var.value(Addr.bound([])), residual: Path.empty });
const namers = [
  {
    prefix: Path.of("b"),
    namer: { lookup: (path: Path) => Activity.value(NameTree.leaf(bound(Path.of("b").concat(path)))) },
  },
];
const idsOf = (tree: NameTree<Bound>): readonly string[] | undefined =>
  NameTree.eval(tree, (leaf) => leaf.id.show())
    ?.map((leaf) => leaf.id.show())
    .sort();

function explain(dtab: string, path: string): DelegateTree {
  const state = delegatePath(Dtab.read(dtab), namers, Path.read(path)).sample();
  assert.ok(state.tag === "ok");
  return state.value;
}

test("an explanation without errors comes to what binding comes to", () => {
  fc.assert(
    fc.property(arbitrary.dtab, arbitrary.path, (dtab, path) => {
      const state = bindPath(nameLookup(dtab, namers), path).sample();
      const explained = delegatePath(dtab, namers, path).sample();
      assert.ok(explained.tag === "ok");
      fc.pre(state.tag === "ok" && !holdsException(explained.value));
      assert.deepEqual(idsOf(DelegateTree.toNameTree(explained.value)), idsOf(state.value));
    }),
    { numRuns: 60 },
  );
});

function holdsException(tree: DelegateTree): boolean {
  if (tree.tag === "alt") return tree.trees.some(holdsException);
  if (tree.tag === "union") return tree.branches.some((branch) => holdsException(branch.tree));
  return tree.tag === "exception" || (tree.tag === "delegate" && holdsException(tree.tree));
}

test("a loop is a node, and the other ways are still shown", () => {
  const tree = explain("/s=>/a | /b/x;/a=>/s", "/s");
  assert.ok(tree.tag === "alt");
  const [loop, other] = tree.trees;
  assert.ok(loop?.tag === "delegate" && loop.tree.tag === "exception");
  assert.match(loop.tree.error.message, /\/s → \/a → \/s/);
  assert.ok(other?.tag === "leaf" && other.value.id.show() === "/b/x");
});

test("a rule that says just ~ does not hide what the namers bind", () => {
  const tree = explain("/b=>~", "/b/x");
  assert.ok(tree.tag === "leaf" && tree.value.id.show() === "/b/x");
});

test("a failed lookup is a node, and a pending one makes all of it pending", () => {
  const answer = Activity.mutable<NameTree<Bound>>();
  const live = [{ prefix: Path.of("n"), namer: { lookup: () => answer.activity } }, ...namers];
  const seen: string[] = [];
  delegatePath(Dtab.read("/s=>/n | /b/x"), live, Path.read("/s")).observe((state) => {
    seen.push(
      state.tag === "ok" && state.value.tag === "alt"
        ? state.value.trees.map((each) => each.tag).join()
        : state.tag,
    );
  });
  answer.states.set(State.failed(new Error("boom")));
  answer.states.set(State.ok(NameTree.neg));
  assert.deepEqual(seen, ["pending", "exception,leaf", "neg,leaf"]);
});

test("the way to a leaf names the rule of each step", () => {
  const tree = explain("/s=>/t | /u;/u=>/b", "/s/x");
  assert.deepEqual(
    DelegateTree.find(tree, (leaf) => leaf.id.show() === "/b/x"),
    [
      ["/s/x", ""],
      ["/u/x", "/s=>/t | /u"],
      ["/b/x", "/u=>/b"],
    ],
  );
});
