/** Binding: loops, limits, updates and what is left open. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  Activity,
  Addr,
  type Bound,
  bindPath,
  DelegationLoopError,
  Dtab,
  NameTree,
  nameLookup,
  Path,
  State,
  Var,
} from "../../dtab/index.ts";
import * as arbitrary from "../kit/names.ts";

const bound = (id: Path): Bound => ({ id, addr: Var.value(Addr.bound([])), residual: Path.empty });
/** Binds every path below `/b`. */
const namers = [
  {
    prefix: Path.of("b"),
    namer: { lookup: (path: Path) => Activity.value(NameTree.leaf(bound(Path.of("b").concat(path)))) },
  },
];
const bindIn = (dtab: Dtab, path: Path) => bindPath(nameLookup(dtab, namers), path).sample();

const holdsAlt = (tree: NameTree<Bound>): boolean =>
  tree.tag === "alt" || (tree.tag === "union" && tree.branches.some((branch) => holdsAlt(branch.tree)));

test("a bound tree holds no Alt", () => {
  fc.assert(
    fc.property(arbitrary.dtab, arbitrary.path, (dtab, path) => {
      const state = bindIn(dtab, path);
      return state.tag === "failed"
        ? state.error instanceof DelegationLoopError
        : state.tag === "ok" && !holdsAlt(state.value);
    }),
  );
});

test("a loop is told by its names", () => {
  const state = bindIn(Dtab.read("/s=>/a;/a=>/x/a;/x/a=>/a"), Path.read("/s"));
  assert.ok(state.tag === "failed" && state.error instanceof DelegationLoopError);
  assert.deepEqual(state.error.cycle, ["/a", "/x/a", "/a"]);
  assert.deepEqual(state.error.chain, ["/s", "/a", "/x/a", "/a"]);
  assert.match(state.error.message, /\/a → \/x\/a → \/a/);
  assert.match(state.error.message, /Max recursion level: 100 reached in Namer lookup/);
});

test("the same name twice on different branches is no loop", () => {
  const state = bindIn(Dtab.read("/s=>/n | /n | /b/x;/n=>~"), Path.read("/s"));
  assert.ok(state.tag === "ok" && state.value.tag === "leaf");
});

test("a name that grows for ever ends at the depth limit", () => {
  const state = bindIn(Dtab.read("/a=>/a/a"), Path.read("/a"));
  assert.ok(state.tag === "failed" && state.error instanceof DelegationLoopError);
  assert.deepEqual(state.error.cycle, []);
  assert.equal(state.error.chain.length, 101);
});

test("rules that double the work at each step end soon", () => {
  for (const operator of ["&", "|"]) {
    const rules = Array.from({ length: 90 }, (_, i) => `/s${i}=>/s${i + 1}/x ${operator} /s${i + 1}/y`);
    const start = performance.now();
    const state = bindIn(Dtab.read(rules.join(";")), Path.read("/s0"));
    assert.ok(state.tag === "failed" && state.error instanceof DelegationLoopError);
    assert.match(state.error.message, /more than 5000 lookups/);
    assert.ok(performance.now() - start < 5_000);
  }
});

test("a namer that throws is a failed binding", () => {
  const bad = [{ prefix: Path.empty, namer: { lookup: () => assert.fail("bug") } }];
  const state = bindPath(nameLookup(Dtab.empty, bad), Path.read("/x")).sample();
  assert.ok(state.tag === "failed" && state.error.message === "bug");
});

test("a name appears and disappears while it is bound", () => {
  const answer = Activity.mutable<NameTree<Bound>>(State.ok(NameTree.neg));
  const live = [{ prefix: Path.of("n"), namer: { lookup: () => answer.activity } }, ...namers];
  const seen: string[] = [];
  const observation = bindPath(nameLookup(Dtab.read("/s=>/n | /b/x"), live), Path.read("/s")).observe(
    (state) => {
      seen.push(state.tag === "ok" && state.value.tag === "leaf" ? state.value.value.id.show() : state.tag);
    },
  );
  answer.states.set(State.ok(NameTree.leaf(bound(Path.read("/n/here")))));
  answer.states.set(State.pending);
  answer.states.set(State.ok(NameTree.neg));
  observation.close();
  answer.states.set(State.ok(NameTree.fail));
  assert.deepEqual(seen, ["/b/x", "/n/here", "pending", "/b/x"]);
});

test("an address set carries the weight of the innermost branch that leads to it", () => {
  const state = bindIn(Dtab.read("/s=>2*/b/x & 3*(4*/b/y & 5*/b/z)"), Path.read("/s"));
  assert.ok(state.tag === "ok");
  const weights = NameTree.leaves(state.value).map((leaf) => {
    const addr = leaf.addr.sample();
    return addr.tag === "bound" && addr.meta["namer_nametree_weight"];
  });
  assert.deepEqual(weights, [2, 4, 5]);
});

test("nothing is left observed when the observers of many names have closed", () => {
  const base = Activity.mutable<Dtab>(State.ok(Dtab.read("/svc=>/b")));
  let open = 0;
  const counted = Activity.of(
    Var.from(
      () => base.states.sample(),
      (fn) => {
        open++;
        const inner = base.states.observe(fn);
        return {
          close() {
            open--;
            inner.close();
          },
        };
      },
    ),
  );
  const observations = Array.from({ length: 1_000 }, (_, i) =>
    counted
      .flatMap((dtab) => bindPath(nameLookup(dtab, namers), Path.of("svc", `name-${i}`)))
      .observe(() => {}),
  );
  assert.equal(open, 1_000);
  base.states.set(State.ok(Dtab.read("/svc=>/b/other")));
  for (const observation of observations) observation.close();
  assert.equal(open, 0);
});
