/** Activities: failures as values, joins, and the last good value. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Activity, State } from "../../dtab/index.ts";

const show = <T>(state: State<T>): unknown =>
  state.tag === "ok" ? state.value : state.tag === "failed" ? state.error.message : "pending";

function record<T>(activity: Activity<T>): unknown[] {
  const seen: unknown[] = [];
  activity.observe((state) => seen.push(show(state)));
  return seen;
}

test("a throw in map or flatMap is a failed state", () => {
  const boom = (): never => {
    throw new Error("boom");
  };
  assert.equal(show(Activity.value(1).map(boom).sample()), "boom");
  assert.equal(show(Activity.value(1).flatMap(boom).sample()), "boom");
  const { activity, states } = Activity.mutable<number>();
  const seen = record(activity.flatMap((value) => (value === 1 ? boom() : Activity.value(value))));
  states.set(State.ok(1));
  states.set(State.ok(2));
  assert.deepEqual(seen, ["pending", "boom", 2]);
});

test("what is thrown and is no error becomes one", () => {
  assert.equal(show(Activity.failed("plain").sample()), "plain");
});

test("a stabilized activity keeps the last value through failures and waits", () => {
  const { activity, states } = Activity.mutable<number>();
  const seen = record(activity.stabilize());
  states.set(State.failed(new Error("early")));
  states.set(State.ok(1));
  states.set(State.pending);
  states.set(State.failed(new Error("late")));
  states.set(State.ok(2));
  assert.deepEqual(seen, ["pending", "early", 1, 2]);
});

test("a join fails with the first failure, else waits for all", () => {
  const a = Activity.mutable<number>();
  const b = Activity.mutable<number>();
  const seen = record(Activity.join([a.activity, b.activity]));
  a.states.set(State.ok(1));
  b.states.set(State.failed(new Error("b")));
  b.states.set(State.ok(2));
  assert.deepEqual(seen, ["pending", "pending", "b", [1, 2]]);
});
