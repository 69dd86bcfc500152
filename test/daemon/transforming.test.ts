/** Transformers around namers and interpreters. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type NamedTransformer,
  transformInterpreter,
  transformNamer,
} from "../../daemon/control/transforming.ts";
import { Activity, Addr, Address, type Bound, Dtab, NameTree, Path, Var } from "../../dtab/index.ts";
import type { NameInterpreter, Namer } from "../../plugins/contract.ts";

const bound = (id: string): Bound => ({
  id: Path.read(id),
  addr: Var.value(Addr.bound([Address.of("10.0.0.1", 80)])),
  residual: Path.empty,
});

/** Puts `/%/<name>` before every id. */
const tagging = (name: string, delegable = true): NamedTransformer => ({
  name,
  transformer: {
    delegable,
    transform: (tree) =>
      Activity.value(NameTree.map(tree, (leaf) => ({ ...leaf, id: Path.of("%", name).concat(leaf.id) }))),
  },
});

const ids = (tree: NameTree<Path | Bound>): string =>
  NameTree.show(NameTree.map(tree, (leaf) => (leaf instanceof Path ? leaf : leaf.id)));

const settled = <T>(activity: Activity<T>): T => {
  const state = activity.sample();
  assert.equal(state.tag, "ok");
  return (state as { value: T }).value;
};

test("a namer's bound tree is transformed in order, and one with a path is left alone", () => {
  class FakeNamer implements Namer {
    readonly #id = "/#/n/a";
    lookup(path: Path) {
      const again = path.size === 0 ? NameTree.neg : NameTree.leaf<Path | Bound>(Path.read("/again"));
      return Activity.value(NameTree.alt<Path | Bound>(NameTree.leaf(bound(this.#id)), again));
    }
    names() {
      return [{ name: Path.read("/#/n/a"), source: "a test", ageSeconds: 0, stale: false }];
    }
  }
  const namer = transformNamer(new FakeNamer(), [tagging("one"), tagging("two")]);
  assert.equal(ids(settled(namer.lookup(Path.empty))), "/%/two/%/one/#/n/a | ~");
  assert.equal(ids(settled(namer.lookup(Path.read("/x")))), "/#/n/a | /again");
  assert.deepEqual(
    namer.names?.().map(({ name }) => name.show()),
    ["/#/n/a"],
  );
});

test("an interpreter's trees are transformed, weights kept, and the change is explained", () => {
  const interpreter: NameInterpreter = {
    bind: () =>
      Activity.value(
        NameTree.union(
          { weight: 9, tree: NameTree.leaf(bound("/#/n/a")) },
          { weight: 1, tree: NameTree.empty },
        ),
      ),
    delegate: (_, path) => Activity.value({ tag: "leaf", path, dentry: undefined, value: bound("/#/n/a") }),
  };
  const transformed = transformInterpreter(interpreter, [tagging("one")]);
  assert.equal(ids(settled(transformed.bind(Dtab.empty, Path.read("/a")))), "9.00*/%/one/#/n/a & $");
  const explained = settled(transformed.delegate!(Dtab.empty, Path.read("/a")));
  assert.equal(explained.tag, "transformation");
  if (explained.tag !== "transformation") return;
  assert.equal(explained.name, "one");
  assert.equal(explained.value.id.show(), "/#/n/a");
  assert.equal(explained.tree.tag === "leaf" && explained.tree.value.id.show(), "/%/one/#/n/a");
  assert.equal(explained.tree.path.show(), "/%/one/#/n/a");
});

test("an interpreter behind a transformer that cannot be shown does not explain", () => {
  const interpreter: NameInterpreter = {
    bind: () => Activity.value<NameTree<Bound>>(NameTree.neg),
    delegate: (_, path) => Activity.value({ tag: "neg", path, dentry: undefined }),
    state: () => ({ seen: 1 }),
  };
  const transformed = transformInterpreter(interpreter, [tagging("one", false)]);
  assert.equal(transformed.delegate, undefined);
  assert.deepEqual(transformed.state?.(), { seen: 1 });
});
