/** Vars: when observers are told, and when work runs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type MutableVar, Var } from "../../dtab/index.ts";

/** Observes and records. */
function record<T>(source: Var<T>) {
  const seen: T[] = [];
  const observation = source.observe((value) => seen.push(value));
  return { seen, close: () => observation.close() };
}

test("an observer is told the value at once, then every change until it closes", () => {
  const source = Var.mutable(1);
  const observer = record(source);
  source.set(2);
  source.set(2);
  observer.close();
  observer.close();
  source.set(3);
  assert.deepEqual(observer.seen, [1, 2]);
  assert.equal(source.sample(), 3);
});

test("an observer that sets again does not let others see the old value last", () => {
  const source = Var.mutable(0);
  source.observe((value) => {
    if (value === 1) source.set(2);
  });
  const late = record(source);
  source.set(1);
  assert.equal(late.seen.at(-1), 2);
  assert.deepEqual(late.seen, [0, 2]);
});

test("an observer that another one closes is told no more", () => {
  const source = Var.mutable(0);
  let second: { close(): void } | undefined;
  source.observe((value) => {
    if (value === 1) second?.close();
  });
  const seen: number[] = [];
  second = source.observe((value) => seen.push(value));
  source.set(1);
  assert.deepEqual(seen, [0]);
});

test("map and flatMap follow both what they choose by and what they chose", () => {
  const which = Var.mutable<"a" | "b">("a");
  const values = { a: Var.mutable(1), b: Var.mutable(10) };
  const chosen = which.flatMap((name) => values[name]).map((value) => value * 2);
  const observer = record(chosen);
  values.a.set(2);
  values.b.set(20);
  which.set("b");
  values.a.set(3);
  values.b.set(30);
  assert.deepEqual(observer.seen, [2, 4, 40, 60]);
  assert.equal(chosen.sample(), 60);
  observer.close();
  values.b.set(40);
  which.set("a");
  assert.deepEqual(observer.seen, [2, 4, 40, 60]);
});

test("flatMap observes the next choice before it lets the last one go", () => {
  const events: string[] = [];
  const shared = Var.async(0, (_set, signal) => {
    events.push("start");
    signal.addEventListener("abort", () => events.push("stop"));
  });
  const which = Var.mutable(1);
  const observer = record(which.flatMap((n) => shared.map((value) => value + n)));
  which.set(2);
  assert.deepEqual(events, ["start"]);
  observer.close();
  assert.deepEqual(events, ["start", "stop"]);
});

test("a change during the choice wins over the choice", () => {
  const which = Var.mutable(1);
  const observer = record(
    which.flatMap((n) => {
      if (n === 2) which.set(3);
      return Var.value(n);
    }),
  );
  which.set(2);
  assert.equal(observer.seen.at(-1), 3);
});

test("closing within a notification stops what was chosen too", () => {
  const which = Var.mutable(1);
  const inner = Var.mutable(10);
  let observation: { close(): void } | undefined;
  const seen: number[] = [];
  observation = which
    .flatMap(() => inner)
    .observe((value) => {
      seen.push(value);
      if (value === 11) observation?.close();
    });
  inner.set(11);
  inner.set(12);
  which.set(2);
  assert.deepEqual(seen, [10, 11]);
});

test("async work runs from the first observer to the last and then forgets", () => {
  let runs = 0;
  let setter: ((value: string) => void) | undefined;
  let ended: AbortSignal | undefined;
  const source = Var.async("initial", (set, signal) => {
    runs++;
    setter = set;
    ended = signal;
  });
  assert.equal(source.sample(), "initial");
  assert.equal(runs, 0);
  const first = record(source);
  const second = record(source);
  setter?.("new");
  assert.deepEqual(
    [first.seen, second.seen],
    [
      ["initial", "new"],
      ["initial", "new"],
    ],
  );
  first.close();
  first.close();
  assert.equal(ended?.aborted, false);
  second.close();
  assert.equal(ended?.aborted, true);
  setter?.("too late");
  assert.equal(source.sample(), "initial");
  assert.deepEqual(record(source).seen, ["initial"]);
  assert.equal(runs, 2);
});

test("equal values of async work are not told twice", () => {
  let setter: ((value: number[]) => void) | undefined;
  const source = Var.async<number[]>(
    [],
    (set) => {
      setter = set;
    },
    (a, b) => a.length === b.length,
  );
  const observer = record(source);
  setter?.([]);
  setter?.([1]);
  setter?.([2]);
  assert.deepEqual(observer.seen, [[], [1]]);
});

test("a join tells all values together", () => {
  const parts = [Var.mutable("a"), Var.mutable("b")] as const;
  const observer = record(Var.join<string>(parts));
  parts[1].set("c");
  observer.close();
  parts[0].set("d");
  assert.deepEqual(observer.seen, [
    ["a", "b"],
    ["a", "c"],
  ]);
  assert.deepEqual(record(Var.join([])).seen, [[]]);
});

test("a distinct Var leaves out what is equal to the last", () => {
  const source: MutableVar<number> = Var.mutable(1);
  const observer = record(Var.distinct(source.map((value) => value % 2)));
  source.set(3);
  source.set(4);
  assert.deepEqual(observer.seen, [1, 0]);
});
