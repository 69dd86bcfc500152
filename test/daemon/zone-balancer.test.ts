/** Zones: how the load is shared between the endpoints of this host's zone and the others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ZoneBalancer, type ZonedEndpoint } from "../../daemon/data/client/zone-balancer.ts";
import { ZoneShare } from "../../daemon/data/client/zone-share.ts";
import p2c from "../../plugins/balancers/p2c.ts";
import type { ZonePreference } from "../../plugins/lib/zone-preference.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { seededRandom } from "../kit/random.ts";

const preference: ZonePreference = { zone: "a", key: "zone", spillBelow: 70, returnAt: 90 };

interface Node extends ZonedEndpoint {
  readonly zone: string;
  status: "open" | "busy";
  pending: number;
  taken: number;
}

const nodes = (zone: string, count: number): Node[] =>
  Array.from({ length: count }, () => ({
    zone,
    address: { meta: { zone } },
    weight: 1,
    pending: 0,
    status: "open",
    balancing: undefined,
    taken: 0,
  }));

function balancer(prefer: ZonePreference | "no preference" = preference) {
  const random = seededRandom(7);
  const made = new ZoneBalancer<Node>(p2c.create({ maxEffort: 5 }, pluginContext({ random })), random);
  if (prefer !== "no preference") made.prefer(prefer, 0);
  return made;
}

/** Where `picks` requests go, by zone. */
function picks(from: ZoneBalancer<Node>, count: number): Record<string, number> {
  const byZone: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const picked = from.pick()!;
    picked.taken++;
    byZone[picked.zone] = (byZone[picked.zone] ?? 0) + 1;
  }
  return byZone;
}

// === The share ===

test("the zone takes everything until its live share falls below the threshold, and again from the higher one on", () => {
  const share = new ZoneShare(preference, 0);
  const of = (open: number): number => Math.round(100 * share.of(open, 10, 0));
  assert.deepEqual([10, 9, 8, 7].map(of), [100, 100, 100, 100]);
  assert.deepEqual([6, 7, 8].map(of), [67, 78, 89], "on the way back the lower threshold does not count");
  assert.deepEqual([9, 8, 7].map(of), [100, 100, 100]);
  assert.equal(of(0), 0);
  assert.equal(of(1), 11);
});

test("endpoints that discovery takes away count as not live, for some minutes", () => {
  const share = new ZoneShare(preference, 0);
  assert.equal(share.of(10, 10, 0), 1);
  assert.equal(share.of(5, 5, 1_000), 5 / 9);
  assert.equal(share.of(5, 5, 299_999), 5 / 9);
  assert.equal(share.of(5, 5, 599_999), 5 / 9);
  assert.equal(share.of(5, 5, 600_001), 1);
});

test("a zone that has no live endpoint leaves everything to the others, and begins small", () => {
  const share = new ZoneShare({ ...preference, spillBelow: 0, returnAt: 100 }, 0);
  assert.equal(share.of(0, 4, 0), 0);
  assert.equal(share.of(1, 4, 1), 0.25);
  assert.equal(share.of(4, 4, 2), 1);
});

// === The balancer ===

test("without a preference every endpoint takes its part", () => {
  const all = balancer("no preference");
  all.update([...nodes("a", 2), ...nodes("b", 2)]);
  assert.equal(all.weigh(0), undefined);
  const { a = 0 } = picks(all, 10_000);
  assert.ok(a > 4_700 && a < 5_300, `${a}`);
});

test("with one, all requests stay in the zone, and a zone without endpoints lets them go", () => {
  const zoned = balancer();
  zoned.update([...nodes("a", 2), ...nodes("b", 8)]);
  zoned.weigh(0);
  assert.deepEqual(picks(zoned, 1_000), { a: 1_000 });
  zoned.update(nodes("b", 8));
  assert.deepEqual(picks(zoned, 1_000), { b: 1_000 });
  zoned.update([]);
  assert.equal(zoned.pick(), undefined);
  zoned.update(nodes("a", 2));
  zoned.weigh(0);
  assert.deepEqual(picks(zoned, 1_000), { a: 1_000 });
});

test("an endpoint that is open anywhere is better than one of the zone that is not, at once", () => {
  const zoned = balancer();
  const [near, far] = [nodes("a", 3), nodes("b", 3)];
  zoned.update([...near, ...far]);
  zoned.weigh(0);
  for (const node of near) node.status = "busy";
  assert.deepEqual(picks(zoned, 100), { b: 100 });
  for (const node of far) node.status = "busy";
  assert.deepEqual(picks(zoned, 100), { a: 100 }, "where none is open, the zone is tried");
});

test("a preference that is withdrawn, or another zone's, splits the set anew", () => {
  const zoned = balancer();
  zoned.update([...nodes("a", 2), ...nodes("b", 2)]);
  zoned.prefer({ ...preference, zone: "b" }, 0);
  zoned.weigh(0);
  assert.deepEqual(picks(zoned, 100), { b: 100 });
  zoned.prefer(undefined, 0);
  assert.equal(Object.keys(picks(zoned, 100)).length, 2);
});

test("endpoints that weigh more take more within their zone", () => {
  const zoned = balancer();
  const near = nodes("a", 2);
  zoned.update([{ ...near[0]!, weight: 3 } as Node, near[1]!, ...nodes("b", 1)]);
  zoned.weigh(0);
  picks(zoned, 4_000);
  assert.ok(near[1]!.taken > 800 && near[1]!.taken < 1_200, `${near[1]!.taken}`);
});

// === Simulation ===

test("while a zone fails and comes back, its hosts spill as much as it cannot bear, and no endpoint is overrun", () => {
  const zones = ["a", "b", "c"];
  const all = zones.flatMap((zone) => nodes(zone, 10));
  const inA = all.filter(({ zone }) => zone === "a");
  // Four hosts in each zone, each with a balancer of its own.
  const hosts = zones.flatMap((zone) =>
    Array.from({ length: 4 }, (_, i) => {
      const random = seededRandom(zone.charCodeAt(0) * 10 + i);
      const made = new ZoneBalancer<Node>(p2c.create({ maxEffort: 5 }, pluginContext({ random })), random);
      made.prefer({ ...preference, zone }, 0);
      made.update(all);
      return { zone, balancer: made };
    }),
  );
  const perHost = 300;
  let nowMs = 0;
  /** One second; the part of zone a's requests that leave it, and the most that an endpoint gets, as part of a fair share. */
  const second = () => {
    nowMs += 1_000;
    for (const node of all) node.taken = 0;
    let left = 0;
    for (const host of hosts) {
      host.balancer.weigh(nowMs);
      const { a = 0 } = picks(host.balancer, perHost);
      if (host.zone === "a") left += perHost - a;
    }
    const fair = (hosts.length * perHost) / all.length;
    return { left: left / (4 * perHost), most: Math.max(...all.map(({ taken }) => taken)) / fair };
  };
  const set = (dead: number): void => {
    for (const [i, node] of inA.entries()) node.status = i < dead ? "busy" : "open";
  };
  const story = [0, 2, 3, 4, 6, 9, 10, 9, 6, 4, 2, 1, 0].map((dead) => {
    set(dead);
    return { dead, ...second() };
  });
  const leftAt = story.map(({ dead, left }) => `${dead}:${Math.round(left * 10) * 10}`).join(" ");
  assert.equal(leftAt, "0:0 2:0 3:0 4:30 6:60 9:90 10:100 9:90 6:60 4:30 2:10 1:0 0:0");
  // Random choice alone makes 1.3 of the fair share; a zone that kept everything would make 10 with nine dead.
  for (const { dead, most } of story)
    assert.ok(most < 1.9, `${dead} dead: ${most.toFixed(2)} of the fair share`);
  // An endpoint that flaps between the thresholds moves the load of no zone.
  set(2);
  const before = second().left;
  let changes = 0;
  for (let i = 0; i < 20; i++) {
    set(i % 2 === 0 ? 3 : 2);
    if (second().left !== before) changes++;
  }
  assert.equal(changes, 0);
});
