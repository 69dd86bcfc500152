/** The state machine of failure accrual. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AccrualState } from "../../daemon/data/client/accrual-state.ts";
import type { Accrual, Counter } from "../../plugins/contract.ts";

class Count implements Counter {
  value = 0;
  incr(by = 1): void {
    this.value += by;
  }
}

/** Dead on every failure, for 10, 20, 40 … ms, as long as it does not decline. */
function machine() {
  let waitMs = 10;
  const control = { declines: false };
  const accrual: Accrual = {
    success() {},
    failure() {
      if (control.declines) return undefined;
      const ms = waitMs;
      waitMs *= 2;
      return ms;
    },
    revived() {
      waitMs = 10;
    },
  };
  const counts = {
    removals: new Count(),
    revivals: new Count(),
    probes: new Count(),
    removedForMs: new Count(),
  };
  return { state: new AccrualState(accrual, counts), counts, control };
}

test("an endpoint is open until its policy says dead", () => {
  const { state, counts, control } = machine();
  control.declines = true;
  state.failure(0);
  assert.ok(state.isOpen(0));
  control.declines = false;
  state.failure(0);
  assert.equal(state.isOpen(0), false);
  assert.equal(state.phase(9), "dead");
  assert.equal(state.deadUntilMs, 10);
  assert.deepEqual([counts.removals.value, counts.removedForMs.value], [1, 10]);
});

test("after its time it lets one probe through, and no more until that is judged", () => {
  const { state, counts } = machine();
  state.failure(0);
  assert.ok(state.isOpen(10));
  state.started(10);
  assert.equal(state.phase(10), "probeClosed");
  assert.equal(state.isOpen(1000), false);
  state.started(1000);
  assert.equal(counts.probes.value, 1);
});

test("a probe that succeeds revives it and begins the waits anew", () => {
  const { state, counts } = machine();
  state.failure(0);
  state.started(10);
  state.success(11);
  assert.equal(state.phase(11), "alive");
  assert.equal(counts.revivals.value, 1);
  state.failure(20);
  assert.equal(state.deadUntilMs, 30);
});

test("a probe that fails is dead for longer, which is no further removal", () => {
  const { state, counts } = machine();
  state.failure(0);
  state.started(10);
  state.failure(12);
  assert.equal(state.deadUntilMs, 32);
  assert.deepEqual([counts.removals.value, counts.removedForMs.value], [1, 30]);
});

test("a probe that fails while the policy declines is followed by another", () => {
  const { state, control } = machine();
  state.failure(0);
  state.started(10);
  control.declines = true;
  state.failure(12);
  assert.equal(state.phase(12), "probeOpen");
});

test("a probe that cannot be judged is followed by another", () => {
  const { state } = machine();
  state.failure(0);
  state.started(10);
  state.ignored();
  assert.ok(state.isOpen(10));
});

test("failures of requests sent while it is dead change nothing", () => {
  const { state, counts } = machine();
  state.failure(0);
  state.failure(5);
  assert.equal(state.deadUntilMs, 10);
  state.failure(11);
  assert.equal(state.phase(11), "probeOpen");
  assert.equal(counts.removals.value, 1);
});

test("a success of a request sent while it is dead does not revive it", () => {
  const { state, counts } = machine();
  state.failure(0);
  state.success(5);
  assert.equal(state.phase(5), "dead");
  assert.equal(counts.revivals.value, 0);
});
