/** The wheel of deadlines and the sweeper, on a clock that is moved by hand. */
import assert from "node:assert/strict";
import { mock, type TestContext, test } from "node:test";
import { nowhere } from "../../daemon/data/roster.ts";
import { Sweeper } from "../../daemon/data/sweeper.ts";
import { TimerWheel } from "../../daemon/data/timer-wheel.ts";

/** Timers and the worker's clock move together. */
function clock(t: TestContext): { pass(ms: number): void; stall(ms: number): void } {
  let now = 1000;
  mock.timers.enable({ apis: ["setInterval"] });
  t.mock.method(performance, "now", () => now);
  t.after(() => mock.timers.reset());
  return {
    pass(ms) {
      for (let left = ms; left > 0; left -= 5) {
        now += 5;
        mock.timers.tick(5);
      }
    },
    // The event loop stands still: time goes on and no timer fires, then one does.
    stall(ms) {
      now += ms;
      mock.timers.tick(10);
    },
  };
}

const collector = (fired: string[] = []) => ({ fired, expired: (tag: string) => void fired.push(tag) });

test("a deadline fires at its time, at most one tick late", (t) => {
  const { pass } = clock(t);
  const wheel = new TimerWheel();
  const owner = collector();
  wheel.arm(owner, "a", 100);
  pass(95);
  assert.deepEqual(owner.fired, []);
  pass(20);
  assert.deepEqual(owner.fired, ["a"]);
});

test("a deadline beyond one turn of the wheel waits for its round", (t) => {
  const { pass } = clock(t);
  const wheel = new TimerWheel();
  const owner = collector();
  wheel.arm(owner, "far", 12_000);
  pass(11_900);
  assert.deepEqual(owner.fired, []);
  pass(150);
  assert.deepEqual(owner.fired, ["far"]);
});

test("a deadline that was taken back does not fire", (t) => {
  const { pass } = clock(t);
  const wheel = new TimerWheel();
  const owner = collector();
  wheel.disarm(wheel.arm(owner, "a", 50));
  wheel.arm(owner, "b", 50);
  pass(200);
  assert.deepEqual(owner.fired, ["b"]);
});

test("taking a deadline back twice, or after it fired, harms no other", (t) => {
  const { pass } = clock(t);
  const wheel = new TimerWheel();
  const owner = collector();
  const first = wheel.arm(owner, "a", 20);
  pass(40);
  wheel.disarm(first);
  wheel.disarm(first);
  wheel.arm(owner, "b", 20);
  wheel.disarm(first);
  pass(40);
  assert.deepEqual(owner.fired, ["a", "b"]);
});

test("a deadline armed while others fire after a stall is not early", (t) => {
  const { pass, stall } = clock(t);
  const wheel = new TimerWheel();
  const owner = collector();
  wheel.arm({ expired: () => void wheel.arm(owner, "again", 100) }, "first", 50);
  stall(2000);
  assert.deepEqual(owner.fired, []);
  pass(90);
  assert.deepEqual(owner.fired, []);
  pass(25);
  assert.deepEqual(owner.fired, ["again"]);
});

test("a deadline whose owner throws keeps no other from firing", (t) => {
  const { pass } = clock(t);
  const wheel = new TimerWheel();
  const owner = collector();
  const broken = {
    expired() {
      throw new Error("a bug");
    },
  };
  wheel.arm(broken, "x", 20);
  wheel.arm(owner, "a", 20);
  wheel.arm(owner, "b", 40);
  pass(100);
  assert.deepEqual(owner.fired, ["a", "b"]);
});

test("the sweeper looks at its members every quarter of a second, while they are members", (t) => {
  const { pass } = clock(t);
  const sweeper = new Sweeper();
  let swept = 0;
  const member = { place: nowhere, sweep: () => void swept++ };
  sweeper.add(member);
  pass(1000);
  assert.equal(swept, 4);
  sweeper.remove(member);
  pass(1000);
  assert.equal(swept, 4);
});

test("the members of a roster are swept with the others, and nothing turns when all have gone", (t) => {
  const { pass } = clock(t);
  const sweeper = new Sweeper();
  const roster = sweeper.roster();
  let swept = 0;
  const inside = { place: nowhere, sweep: () => void swept++ };
  const beside = { place: nowhere, sweep: () => void swept++ };
  roster.add(inside);
  sweeper.add(beside);
  pass(500);
  assert.equal(swept, 4);
  sweeper.remove(beside);
  pass(500);
  assert.equal(swept, 6);
  roster.remove(inside);
  pass(500);
  assert.equal(swept, 6);
  roster.add(inside);
  pass(250);
  assert.equal(swept, 7);
});

test("a member whose sweep throws keeps no other from being swept", (t) => {
  const { pass } = clock(t);
  const sweeper = new Sweeper();
  let swept = 0;
  sweeper.add({
    place: nowhere,
    sweep() {
      throw new Error("a bug");
    },
  });
  sweeper.add({ place: nowhere, sweep: () => void swept++ });
  pass(500);
  assert.equal(swept, 2);
});
