/** Name trees: syntax, simplification and evaluation. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NameTree, type Path } from "../../dtab/index.ts";
import * as arbitrary from "../kit/names.ts";

const samePath = (a: Path, b: Path): boolean => a.equals(b);
const same = (a: NameTree<Path>, b: NameTree<Path>): boolean => NameTree.equals(a, b, samePath);
const keyOf = (path: Path): string => path.show();
const anyTree = arbitrary.treeOf(arbitrary.path, 0);

test("a tree reads back as it was shown", () => {
  fc.assert(fc.property(arbitrary.pathTree, (tree) => same(NameTree.read(NameTree.show(tree)), tree)));
});

test("a tree with any weights reads back as it was shown exactly", () => {
  const weights = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
  const tree = arbitrary.treeOf(arbitrary.path, 2, weights);
  fc.assert(fc.property(tree, (each) => same(NameTree.read(NameTree.showExact(each)), each)));
});

test("simplifying twice changes no more than once", () => {
  fc.assert(
    fc.property(anyTree, (tree) => {
      const once = NameTree.simplify(tree);
      return same(NameTree.simplify(once), once);
    }),
  );
});

test("a simplified tree evaluates to the same leaves", () => {
  fc.assert(
    fc.property(anyTree, (tree) => {
      const leaves = (each: NameTree<Path>) => NameTree.eval(each, keyOf)?.map(keyOf).sort();
      assert.deepEqual(leaves(NameTree.simplify(tree)), leaves(tree));
    }),
  );
});

test("mapping leaves the shape as it is", () => {
  fc.assert(
    fc.property(anyTree, (tree) =>
      same(
        NameTree.map(tree, (path) => path),
        tree,
      ),
    ),
  );
});

test("weights are shown with two decimals, halves rounded up", () => {
  const shown = (weight: number) =>
    NameTree.show(NameTree.union<Path>({ weight, tree: NameTree.neg }, { weight: 1, tree: NameTree.neg }));
  assert.equal(shown(0.995), "1.00*~ & ~");
  assert.equal(shown(0.125), "0.13*~ & ~");
  assert.equal(shown(1e21), "1000000000000000000000*~ & ~");
});

test("trees that differ in a weight are not equal", () => {
  assert.ok(!same(NameTree.read("2*/a & /b"), NameTree.read("3*/a & /b")));
  assert.ok(!same(NameTree.read("/a | /b"), NameTree.read("/a")));
});
