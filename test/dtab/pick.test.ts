/** The pick among weighted branches. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileTree, NameTree } from "../../dtab/index.ts";
import { seededRandom } from "../kit/random.ts";

const leaf = NameTree.leaf<string>;

test("branches are picked by weight", () => {
  const picker = compileTree(NameTree.union({ weight: 9, tree: leaf("a") }, { weight: 1, tree: leaf("b") }));
  const random = seededRandom(7);
  let b = 0;
  for (let i = 0; i < 10_000; i++) if (picker.pick(random) === "b") b++;
  assert.ok(b > 900 && b < 1_100, `${b} of 10 000`);
});

test("the draw nearest to 1 picks the last branch that has weight", () => {
  const tree = NameTree.union(...[0.1, 0.2, 0.7, 0].map((weight, i) => ({ weight, tree: leaf(String(i)) })));
  assert.equal(
    compileTree(tree).pick(() => 1 - Number.EPSILON / 2),
    "2",
  );
  assert.equal(
    compileTree(tree).pick(() => 0),
    "0",
  );
});

test("a branch without weight is never picked, and all without weight are picked alike", () => {
  const some = NameTree.union({ weight: 0, tree: leaf("a") }, { weight: 1, tree: leaf("b") });
  assert.equal(
    compileTree(some).pick(() => 0),
    "b",
  );
  const none = NameTree.union({ weight: 0, tree: leaf("a") }, { weight: 0, tree: leaf("b") });
  assert.deepEqual(
    [0, 0.49, 0.5, 0.99].map((draw) => compileTree(none).pick(() => draw)),
    ["a", "a", "b", "b"],
  );
});

test("one leaf needs no draw, and a tree that leads nowhere gives nothing", () => {
  const never = (): number => assert.fail("no draw is needed");
  assert.equal(compileTree(leaf("a")).pick(never), "a");
  assert.equal(compileTree(NameTree.neg).pick(never), undefined);
  assert.equal(compileTree(NameTree.union()).pick(never), undefined);
});

test("a tree that was not bound is refused", () => {
  assert.throws(() => compileTree(NameTree.alt(leaf("a"))), /holds no Alt/);
});
