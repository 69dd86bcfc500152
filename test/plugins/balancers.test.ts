/** Balancers in simulation: who gets how much, and what happens when endpoints are not open. */
import assert from "node:assert/strict";
import { test } from "node:test";
import aperture from "../../plugins/balancers/aperture.ts";
import ewma, { PeakEwma, penalty } from "../../plugins/balancers/ewma.ts";
import heap from "../../plugins/balancers/heap.ts";
import p2c from "../../plugins/balancers/p2c.ts";
import roundRobin from "../../plugins/balancers/round-robin.ts";
import type { AnyPlugin, BalancedEndpoint, Balancer, BalancerFactory } from "../../plugins/contract.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { seededRandom } from "../kit/random.ts";
import { withDefaults } from "../kit/with-defaults.ts";

class Endpoint implements BalancedEndpoint {
  weight = 1;
  pending = 0;
  status: "open" | "busy" | "closed" = "open";
  balancing: unknown = undefined;
  /** How often it was picked. */
  picks = 0;
}

const all: readonly AnyPlugin[] = [p2c, ewma, aperture, heap, roundRobin];
let nowMs = 0;

function create(plugin: AnyPlugin, keys: Readonly<Record<string, unknown>> = {}): Balancer<Endpoint> {
  nowMs = 1_000_000;
  const context = pluginContext({ now: () => nowMs, random: seededRandom(42) });
  const factory = plugin.create(
    withDefaults(plugin.schema, { kind: plugin.kind, ...keys }),
    context,
  ) as BalancerFactory;
  return factory.create<Endpoint>();
}

const endpoints = (count: number): Endpoint[] => Array.from({ length: count }, () => new Endpoint());

function begin(balancer: Balancer<Endpoint>): Endpoint {
  const picked = balancer.pick();
  assert.ok(picked);
  picked.picks++;
  picked.pending++;
  balancer.started?.(picked);
  return picked;
}

function end(balancer: Balancer<Endpoint>, endpoint: Endpoint, elapsedMs: number): void {
  endpoint.pending--;
  balancer.ended?.(endpoint, elapsedMs);
}

/** Requests one after the other, each `elapsedMs(endpoint)` long, with `inFlight` at a time. */
function simulate(
  balancer: Balancer<Endpoint>,
  requests: number,
  inFlight: number,
  elapsedMs: (e: Endpoint) => number,
): void {
  const running: { endpoint: Endpoint; endMs: number; elapsed: number }[] = [];
  for (let n = 0; n < requests; n++) {
    if (running.length >= inFlight) {
      running.sort((a, b) => a.endMs - b.endMs);
      const first = running.shift()!;
      nowMs = Math.max(nowMs, first.endMs);
      end(balancer, first.endpoint, first.elapsed);
    }
    const endpoint = begin(balancer);
    const elapsed = elapsedMs(endpoint);
    running.push({ endpoint, endMs: nowMs + elapsed, elapsed });
  }
}

for (const plugin of all) {
  test(`${plugin.kind}: an empty set has nobody to pick, and one endpoint is picked whatever its status`, () => {
    const balancer = create(plugin);
    assert.equal(balancer.pick(), undefined);
    const [only] = endpoints(1);
    balancer.update([only!]);
    assert.equal(balancer.pick(), only);
    only!.status = "closed";
    assert.equal(balancer.pick(), only);
    balancer.update([]);
    assert.equal(balancer.pick(), undefined);
  });

  test(`${plugin.kind}: open endpoints come before others, and all of them are tried when none is open`, () => {
    const balancer = create(plugin, plugin === heap ? {} : { maxEffort: 20 });
    const set = endpoints(4);
    balancer.update(set);
    for (const endpoint of set.slice(1)) endpoint.status = "busy";
    for (let n = 0; n < 200; n++) end(balancer, begin(balancer), 1);
    assert.equal(set[0]!.picks, 200);
    set[0]!.status = "closed";
    for (let n = 0; n < 200; n++) assert.ok(balancer.pick());
  });

  test(`${plugin.kind}: an endpoint that has come back is picked again`, () => {
    const balancer = create(plugin, plugin === aperture ? { minAperture: 3 } : {});
    const set = endpoints(3);
    balancer.update(set);
    set[0]!.status = "busy";
    simulate(balancer, 300, 6, () => 5);
    const before = set[0]!.picks;
    set[0]!.status = "open";
    simulate(balancer, 300, 6, () => 5);
    assert.ok(set[0]!.picks - before > 30, `${set[0]!.picks - before}`);
  });

  test(`${plugin.kind}: weights decide how much a class of endpoints gets`, () => {
    const balancer = create(plugin);
    const set = endpoints(4);
    set[0]!.weight = 3;
    set[1]!.weight = 3;
    balancer.update(set);
    for (let n = 0; n < 8000; n++) end(balancer, begin(balancer), 1);
    const heavy = set[0]!.picks + set[1]!.picks;
    assert.ok(Math.abs(heavy - 6000) < 250, String(heavy));
  });

  test(`${plugin.kind}: an update keeps what is known of the endpoints that stay`, () => {
    const balancer = create(plugin);
    const set = endpoints(3);
    balancer.update(set);
    const state = set[0]!.balancing;
    balancer.update([set[0]!, new Endpoint()]);
    assert.equal(set[0]!.balancing, state);
    for (let n = 0; n < 100; n++) assert.notEqual(balancer.pick(), set[2]);
  });
}

test("a class without an open endpoint gives its share to the next one", () => {
  const balancer = create(p2c);
  const set = endpoints(4);
  set[0]!.weight = set[1]!.weight = 9;
  set[0]!.status = set[1]!.status = "busy";
  balancer.update(set);
  for (let n = 0; n < 500; n++) assert.equal(balancer.pick()!.weight, 1);
  assert.ok(balancer.counts!.busyWeightClasses > 400);
});

test("when every weight is 0 each endpoint still gets its share", () => {
  const balancer = create(p2c);
  const set = endpoints(2);
  for (const endpoint of set) endpoint.weight = 0;
  balancer.update(set);
  for (let n = 0; n < 400; n++) end(balancer, begin(balancer), 1);
  assert.ok(set.every((endpoint) => endpoint.picks > 150));
});

test("p2c evens out the load and keeps requests from a slow endpoint", () => {
  const balancer = create(p2c);
  const set = endpoints(10);
  balancer.update(set);
  simulate(balancer, 10_000, 20, (endpoint) => (endpoint === set[0] ? 100 : 10));
  assert.ok(set[0]!.picks < 450, String(set[0]!.picks));
  for (const endpoint of set.slice(1))
    assert.ok(Math.abs(endpoint.picks - 1060) < 200, String(endpoint.picks));
});

test("p2c counts the picks that found no open endpoint", () => {
  const balancer = create(p2c);
  const set = endpoints(3);
  for (const endpoint of set) endpoint.status = "busy";
  balancer.update(set);
  balancer.pick();
  assert.equal(balancer.counts!.maxEffortExhausted, 1);
});

test("ewma sends next to nothing to an endpoint that became slow, and comes back when it has recovered", () => {
  const balancer = create(ewma);
  const set = endpoints(4);
  balancer.update(set);
  let slow = true;
  simulate(balancer, 4000, 8, (endpoint) => (endpoint === set[0] && slow ? 500 : 5));
  assert.ok(set[0]!.picks < 100, String(set[0]!.picks));
  slow = false;
  nowMs += 120_000;
  const before = set[0]!.picks;
  simulate(balancer, 4000, 8, () => 5);
  assert.ok(set[0]!.picks - before > 500, String(set[0]!.picks - before));
});

test("every pick of ewma is the one that the published formula makes, while one endpoint is slow and recovers", () => {
  const balancer = create(ewma);
  const set = endpoints(5);
  balancer.update(set);
  // The formula as it was published, in nanoseconds, beside the balancer: the same chance, the same latencies.
  const random = seededRandom(42);
  const tau = 10_000e6;
  const book = new Map(set.map((endpoint) => [endpoint, { cost: 0, stamp: nowMs * 1e6 }]));
  const observe = (endpoint: Endpoint, rtt: number): number => {
    const state = book.get(endpoint)!;
    const w = Math.exp(-(nowMs * 1e6 - state.stamp) / tau);
    state.cost = rtt > state.cost ? rtt : state.cost * w + rtt * (1 - w);
    state.stamp = nowMs * 1e6;
    return state.cost;
  };
  const load = (endpoint: Endpoint): number => {
    const cost = observe(endpoint, 0);
    return cost === 0 && endpoint.pending !== 0 ? penalty + endpoint.pending : cost * (endpoint.pending + 1);
  };
  const expected = (): Endpoint => {
    const first = Math.floor(random() * set.length);
    const second = Math.floor(random() * (set.length - 1));
    const [a, b] = [set[first]!, set[second >= first ? second + 1 : second]!];
    return load(a) <= load(b) ? a : b;
  };
  const latency = seededRandom(7);
  const running: { endpoint: Endpoint; endMs: number; elapsed: number }[] = [];
  const shares: number[] = [];
  for (let n = 0; n < 12_000; n++) {
    if (running.length >= 8) {
      running.sort((a, b) => a.endMs - b.endMs);
      const { endpoint, endMs, elapsed } = running.shift()!;
      nowMs = Math.max(nowMs, endMs);
      end(balancer, endpoint, elapsed);
      observe(endpoint, elapsed * 1e6);
    }
    const wanted = expected();
    const picked = begin(balancer);
    assert.equal(picked, wanted, `request ${n}`);
    const slow = picked === set[0] && n >= 4000 && n < 8000;
    const elapsed = (slow ? 400 : 4) * (0.5 + latency());
    running.push({ endpoint: picked, endMs: nowMs + elapsed, elapsed });
    if (n % 4000 === 3999) shares.push(set[0]!.picks - shares.reduce((sum, share) => sum + share, 0));
    if (n === 7999) nowMs += 60_000;
  }
  const [before, during, after] = shares as [number, number, number];
  assert.ok(before > 600 && during < 40 && after > 400, `of 4000 requests each: ${shares}`);
});

test("peak ewma jumps up at once and decays with time", () => {
  const latency = new PeakEwma(10_000, 0);
  latency.observe(10, 0);
  latency.observe(100, 1000);
  assert.equal(latency.cost, 100);
  latency.observe(10, 11_000);
  assert.ok(Math.abs(latency.cost - (100 * Math.exp(-1) + 10 * (1 - Math.exp(-1)))) < 1e-9);
  assert.equal(new PeakEwma(10_000, 0).load(2, 0), penalty + 2);
  assert.equal(new PeakEwma(10_000, 0).load(0, 0), 0);
});

test("heap always picks the least loaded", () => {
  const balancer = create(heap);
  const set = endpoints(7);
  balancer.update(set);
  const random = seededRandom(3);
  const running: Endpoint[] = [];
  for (let n = 0; n < 3000; n++) {
    const least = Math.min(...set.map((endpoint) => endpoint.pending));
    const picked = begin(balancer);
    assert.equal(picked.pending - 1, least);
    running.push(picked);
    while (running.length > 20 * random())
      end(balancer, running.splice(Math.floor(random() * running.length), 1)[0]!, 1);
  }
});

test("heap survives the end of a request on an endpoint that is gone", () => {
  const balancer = create(heap);
  const set = endpoints(2);
  balancer.update(set);
  const picked = begin(balancer);
  const other = set.find((endpoint) => endpoint !== picked)!;
  balancer.update([other]);
  end(balancer, picked, 1);
  assert.equal(balancer.pick(), other);
});

test("round robin takes turns", () => {
  const balancer = create(roundRobin);
  const set = endpoints(3);
  balancer.update(set);
  for (let n = 0; n < 300; n++) balancer.pick()!.picks++;
  assert.deepEqual(
    set.map((endpoint) => endpoint.picks),
    [100, 100, 100],
  );
});

test("aperture uses few endpoints under little load and more under much", () => {
  const balancer = create(aperture);
  const set = endpoints(20);
  balancer.update(set);
  const used = (): number => set.filter((endpoint) => endpoint.picks > 0).length;
  simulate(balancer, 500, 1, () => 50);
  assert.equal(used(), 1);
  simulate(balancer, 5000, 30, () => 50);
  assert.ok(used() >= 12, String(used()));
});

test("aperture orders endpoints differently in each process", () => {
  const first = (seed: number): number => {
    const context = pluginContext({ now: () => 0, random: seededRandom(seed) });
    const factory = aperture.create(withDefaults(aperture.schema, {}), context);
    const balancer = factory.create<Endpoint>();
    const set = endpoints(50);
    balancer.update(set);
    return set.indexOf(balancer.pick()!);
  };
  assert.ok(new Set([1, 2, 3, 4, 5].map(first)).size >= 4);
});
