/** Sets of what comes and goes: who is in them, in which order, and that nothing is kept of who has gone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { Line, type Place } from "../../daemon/data/line.ts";
import { type Member, nowhere, Roster } from "../../daemon/data/roster.ts";

const member = (): Member => ({ place: nowhere });

test("a roster has the members that a set would have", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(9)));
  fc.assert(
    fc.property(steps, (taken) => {
      const all = Array.from({ length: 10 }, member);
      const roster = new Roster<Member>();
      const model = new Set<Member>();
      for (const [comes, which] of taken) {
        const one = all[which]!;
        if (!comes) assert.equal(roster.remove(one), model.delete(one));
        else if (!model.has(one)) {
          roster.add(one);
          model.add(one);
        }
        assert.equal(roster.size, model.size);
        assert.deepEqual(new Set(roster), model);
      }
    }),
  );
});

test("a roster passes over nobody who stays while others go and come", () => {
  const all = Array.from({ length: 20 }, member);
  for (const goes of all) {
    for (const at of all) {
      const roster = new Roster<Member>();
      for (const one of all) roster.add(one);
      const met = new Set<Member>();
      for (const one of roster) {
        met.add(one);
        if (one !== at) continue;
        roster.remove(goes);
        roster.add(member());
      }
      for (const one of all) assert.ok(met.has(one) || one === goes);
      for (const one of all) one.place = nowhere;
    }
  }
});

test("a line is served in the order of arrival, and left from anywhere", () => {
  const steps = fc.array(fc.oneof(fc.constant("join" as const), fc.constant("next" as const), fc.nat(30)));
  fc.assert(
    fc.property(steps, (taken) => {
      const line = new Line<number>();
      const places: Place<number>[] = [];
      let model: number[] = [];
      for (const step of taken) {
        if (step === "join") {
          model.push(places.length);
          places.push(line.join(places.length));
        } else if (step === "next") assert.equal(line.next(), model.shift());
        else {
          places[step]?.leave();
          model = model.filter((one) => one !== step);
        }
        assert.equal(line.size, model.length);
      }
      for (const one of model) assert.equal(line.next(), one);
      assert.equal(line.next(), undefined);
    }),
  );
});

interface Visitor extends Member {
  readonly luggage: unknown[];
}

const kinds: readonly [string, () => (one: Visitor) => () => void][] = [
  [
    "a roster",
    () => {
      const roster = new Roster<Member>();
      return (one) => {
        roster.add(one);
        return () => roster.remove(one);
      };
    },
  ],
  [
    "a line",
    () => {
      const line = new Line<Visitor>();
      return (one) => {
        const place = line.join(one);
        return () => place.leave();
      };
    },
  ],
];

for (const [name, create] of kinds)
  test(`${name} that is old keeps nobody who came and went since`, () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as (options: { type: "minor" }) => void;
    const usedMb = (): number => getHeapStatistics().used_heap_size / (1 << 20);
    const enter = create();
    const visit = (): (() => void) => enter({ place: nowhere, luggage: Array.from({ length: 128 }).fill(0) });
    // As many as 64 at a time, who grow old with the table they stand in.
    const inside = Array.from({ length: 64 }, visit);
    for (let i = 0; i < 3; i++) gc({ type: "minor" });
    const before = usedMb();
    for (let i = 0; i < 6400; i++) {
      const at = i % 64;
      inside[at]!();
      inside[at] = visit();
      if (i % 640 === 0) gc({ type: "minor" });
    }
    for (let i = 0; i < 3; i++) gc({ type: "minor" });
    const grown = usedMb() - before;
    assert.ok(grown < 1, `${grown} of 6.4 MB`);
  });
