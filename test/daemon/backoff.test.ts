/** Back-offs whose waits are random: their bounds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createBackoff,
  defaultAccrualBackoff,
  defaultRetryBackoff,
  jitteredBackoff,
} from "../../daemon/data/client/backoff.ts";
import { seededRandom } from "../kit/random.ts";

test("equal jitter starts at 5 s, then takes half of the step and a random half, until 300 s for ever", () => {
  for (let seed = 0; seed < 50; seed++) {
    const waits = defaultAccrualBackoff(seededRandom(seed)).start();
    assert.equal(waits.next(), 5000);
    for (const half of [5000, 10_000, 20_000, 40_000, 80_000]) {
      const ms = waits.next()!;
      assert.ok(ms >= half && ms < 2 * half, `${half}: ${ms}`);
    }
    const sixth = waits.next()!;
    assert.ok(sixth >= 160_000 && sixth <= 300_000);
    for (let n = 0; n < 5; n++) assert.equal(waits.next(), 300_000);
  }
});

test("decorrelated jitter starts at the least, never falls and never comes to more than the most", () => {
  for (let seed = 0; seed < 50; seed++) {
    const waits = jitteredBackoff(10, 200, seededRandom(seed)).start();
    let last = waits.next()!;
    assert.equal(last, 10);
    for (let n = 0; n < 20; n++) {
      const ms = waits.next()!;
      assert.ok(ms >= last && ms <= Math.min(200, 3 * last));
      last = ms;
    }
  }
});

test("sequences of one policy do not disturb each other", () => {
  const policy = jitteredBackoff(10, 200, seededRandom(1));
  const first = policy.start();
  first.next();
  first.next();
  assert.equal(policy.start().next(), 10);
});

test("retries do not wait unless they are told to, and share one sequence", () => {
  assert.equal(defaultRetryBackoff.start().next(), 0);
  assert.equal(defaultRetryBackoff.start(), defaultRetryBackoff.start());
});

test("a least wait above the longest is refused", () => {
  assert.throws(
    () => createBackoff({ kind: "jittered", minMs: 20, maxMs: 10 }, Math.random),
    /minMs 20 is above maxMs 10/,
  );
});
