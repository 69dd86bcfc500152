/** The metrics memory, written and read: merging, reuse, overflow, precision. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fullName, MetricsStore } from "../../daemon/control/metrics-store.ts";
import { bucketCount, bucketOf, bucketValue, maxValue, summarize } from "../../daemon/shared/histogram.ts";
import type { MetricsChange } from "../../daemon/shared/messages.ts";
import { createMetrics, type MetricsOptions } from "../../daemon/shared/metrics-memory.ts";
import type { MetricSeries } from "../../plugins/contract.ts";

/** A writer whose batches reach a store when `flush` is called. */
const open = (store = new MetricsStore(), options: MetricsOptions = {}) => {
  const source = store.source();
  const waiting: (() => void)[] = [];
  const batches: MetricsChange[][] = [];
  const scope = createMetrics((changes) => batches.push(changes), {
    schedule: (flush) => waiting.push(flush),
    ...options,
  });
  const flush = () => {
    for (const each of waiting.splice(0)) each();
    for (const batch of batches.splice(0)) source.apply(batch);
  };
  return { store, scope, source, flush, batches, waiting };
};

const find = (store: MetricsStore, name: string): MetricSeries | undefined =>
  store.series().find((series) => fullName(series) === name);

const value = (store: MetricsStore, name: string): number | undefined => {
  const series = find(store, name);
  return series === undefined || series.type === "stat" ? undefined : series.value;
};

const stat = (store: MetricsStore, name: string): Extract<MetricSeries, { type: "stat" }> => {
  const series = find(store, name);
  assert.equal(series?.type, "stat");
  return series as Extract<MetricSeries, { type: "stat" }>;
};

const blocksOf = (changes: readonly MetricsChange[]): number =>
  changes.filter((change) => change.change === "block").length;

test("a counter, a gauge and a distribution are read as they were written", () => {
  const { store, scope, flush } = open();
  const server = scope.scope("rt", "http").scope("server", "127.0.0.1/4140");
  server.counter("requests").incr();
  server.counter("requests").incr(4);
  const pending = server.gauge("pending");
  pending.set(7);
  pending.add(-2);
  server.stat("request_latency_ms").record(3);
  flush();
  assert.equal(value(store, "rt/http/server/127.0.0.1/4140/requests"), 5);
  assert.equal(value(store, "rt/http/server/127.0.0.1/4140/pending"), 5);
  assert.deepEqual(stat(store, "rt/http/server/127.0.0.1/4140/request_latency_ms").total, {
    count: 1,
    sum: 3,
  });
  assert.deepEqual(find(store, "rt/http/server/127.0.0.1/4140/requests")?.scopes, [
    "rt",
    "http",
    "server",
    "127.0.0.1/4140",
  ]);
});

test("all registrations of a turn travel in one batch", () => {
  const { scope, waiting, batches } = open();
  for (let i = 0; i < 100; i += 1) scope.scope("s", `${i}`).counter("n");
  assert.equal(waiting.length, 1);
  waiting[0]!();
  assert.equal(batches.length, 1);
  assert.equal(batches[0]!.filter((change) => change.change === "add").length, 100);
});

const blockSizes = (changes: readonly MetricsChange[]): number[] =>
  changes.flatMap((change) => (change.change === "block" ? [change.memory.byteLength / 1024] : []));

test("the first block is small and later ones are larger", () => {
  const { scope, waiting, batches } = open();
  for (let i = 0; i < 6000; i += 1) scope.scope(`${i}`).stat("s");
  waiting[0]!();
  assert.deepEqual(blockSizes(batches[0]!), [64, 256, 1024, 1024]);
});

test("a distribution takes memory for the powers of two that it has met", () => {
  const { scope, waiting, batches } = open();
  for (let i = 0; i < 1000; i += 1) {
    const stat = scope.scope(`${i}`).stat("s");
    for (let value = 8; value < 16; value += 0.25) stat.record(value);
  }
  waiting[0]!();
  assert.deepEqual(blockSizes(batches[0]!), [64, 256]);
});

test("what a distribution counts in a block that is not known yet is told in the next interval", () => {
  const { store, scope, flush } = open();
  const written = scope.stat("s");
  written.record(1);
  flush();
  const others = Array.from({ length: 50 }, (_, i) => scope.scope(`${i}`).stat("s"));
  flush();
  // Each takes a segment for every power of two: more than the first block holds.
  for (const other of others) for (let octave = 0; octave < 40; octave += 1) other.record(2 ** octave);
  written.record(3000);
  store.closeInterval();
  assert.equal(stat(store, "s").snapshot?.count, 1);
  flush();
  written.record(3000);
  store.closeInterval();
  assert.equal(stat(store, "s").snapshot?.count, 2);
  assert.deepEqual(stat(store, "s").total, { count: 3, sum: 6001 });
});

test("every bucket tells its values to two per cent, from 2^-10 to 2^40", () => {
  fc.assert(
    fc.property(fc.double({ min: -10, max: 40, noNaN: true }), (exponent) => {
      const exact = Math.min(2 ** exponent, maxValue);
      return Math.abs(bucketValue(bucketOf(exact)) - exact) <= exact * 0.02;
    }),
    { numRuns: 2000 },
  );
  assert.equal(bucketOf(0), 0);
  assert.equal(bucketOf(maxValue), bucketCount - 1);
});

test("buckets are in the order of their values", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: maxValue, noNaN: true }),
      fc.double({ min: 0, max: maxValue, noNaN: true }),
      (a, b) => (a <= b ? bucketOf(a) <= bucketOf(b) : bucketOf(a) >= bucketOf(b)),
    ),
    { numRuns: 2000 },
  );
});

test("values out of range are kept at its ends", () => {
  const { store, scope, flush } = open();
  const odd = scope.stat("odd");
  for (const each of [-5, Number.NaN, 0, Number.POSITIVE_INFINITY]) odd.record(each);
  flush();
  store.closeInterval();
  const { snapshot } = stat(store, "odd");
  assert.equal(snapshot?.count, 4);
  assert.equal(snapshot?.min, 0);
  assert.ok(Number.isFinite(snapshot?.sum));
});

test("quantiles are those of the values to two per cent", () => {
  const buckets = new Uint32Array(bucketCount);
  let sum = 0;
  for (let i = 1; i <= 10_000; i += 1) {
    buckets[bucketOf(i * 0.37)]! += 1;
    sum += i * 0.37;
  }
  const { quantiles, min, max, count } = summarize(buckets, 0, bucketCount, sum);
  assert.equal(count, 10_000);
  for (const [quantile, told] of Object.entries(quantiles)) {
    const exact = Number(quantile) * 3700;
    assert.ok(Math.abs(told - exact) <= exact * 0.02, `${quantile}: ${told} for ${exact}`);
  }
  assert.ok(Math.abs(min - 0.37) <= 0.0074);
  assert.ok(Math.abs(max - 3700) <= 74);
});

test("small whole numbers are told exactly", () => {
  const { store, scope, flush } = open();
  const retries = scope.stat("per_request");
  for (const each of [0, 0, 1, 2, 3, 7]) retries.record(each);
  flush();
  store.closeInterval();
  const { snapshot } = stat(store, "per_request");
  assert.equal(snapshot?.min, 0);
  assert.equal(snapshot?.max, 7);
  assert.equal(snapshot?.quantiles["0.5"], 1);
  assert.equal(snapshot?.quantiles["0.9"], 7);
});

test("a summary is of the last closed interval, and the total of all time", () => {
  const { store, scope, flush } = open();
  const latency = scope.stat("latency_ms");
  latency.record(10);
  flush();
  assert.equal(stat(store, "latency_ms").snapshot, undefined);
  store.closeInterval();
  latency.record(500);
  latency.record(0.25);
  assert.equal(stat(store, "latency_ms").snapshot?.count, 1);
  store.closeInterval();
  const { snapshot, total } = stat(store, "latency_ms");
  assert.equal(snapshot?.count, 2);
  assert.equal(snapshot?.sum, 500.25);
  assert.ok(Math.abs(snapshot.min - 0.25) <= 0.005);
  assert.deepEqual(total, { count: 3, sum: 510.25 });
  store.closeInterval();
  assert.equal(stat(store, "latency_ms").snapshot?.count, 0);
});

test("series of several workers are merged by name", () => {
  const store = new MetricsStore();
  const one = open(store);
  const two = open(store);
  for (const { scope, flush } of [one, two]) {
    scope.counter("requests").incr(3);
    scope.gauge("pending").set(2);
    scope.stat("ms").record(8);
    flush();
  }
  store.closeInterval();
  assert.equal(value(store, "requests"), 6);
  assert.equal(value(store, "pending"), 4);
  assert.deepEqual(stat(store, "ms").total, { count: 2, sum: 16 });
  assert.equal(stat(store, "ms").snapshot?.count, 2);
});

test("gauges that all workers tell of the same thing are not added up", () => {
  const store = new MetricsStore();
  for (const available of [2, 3]) {
    const { scope, flush } = open(store);
    const balancer = scope.scope("rt", "http", "client", "#/fs/web", "loadbalancer");
    balancer.gauge("size").set(3);
    balancer.gauge("available").set(available);
    balancer.gauge("load").set(5);
    balancer.gauge("algorithm/p2c").set(1);
    scope.scope("rt", "http").gauge("originator").set(1);
    flush();
  }
  const at = "rt/http/client/#/fs/web/loadbalancer";
  assert.equal(value(store, `${at}/size`), 3);
  assert.equal(value(store, `${at}/available`), 2);
  assert.equal(value(store, `${at}/load`), 10);
  assert.equal(value(store, `${at}/algorithm/p2c`), 1);
  assert.equal(value(store, "rt/http/originator"), 1);
});

test("a scope knows its series again, however many there are", () => {
  const { store, scope, flush } = open();
  for (const _ of [1, 2]) for (let i = 0; i < 300; i += 1) scope.scope("s").counter(`n${i}`).incr();
  scope.scope("s").gauge("n7").set(9);
  flush();
  assert.equal(store.series().length, 301);
  assert.equal(
    store.series().filter((series) => series.type === "counter" && series.value === 2).length,
    300,
  );
  scope.scope("s").close();
  flush();
  assert.equal(store.series().length, 0);
});

test("closing a scope ends its series and those below it, and no others", () => {
  const { store, scope, flush } = open();
  scope.scope("client", "a").counter("requests").incr();
  scope.scope("client", "a").scope("service", "x").counter("requests").incr();
  scope.scope("client", "b").counter("requests").incr();
  flush();
  scope.scope("client", "a").close();
  flush();
  assert.deepEqual(store.series().map(fullName), ["client/b/requests"]);
});

test("a series that begins again begins at zero", () => {
  const { store, scope, flush } = open();
  scope.scope("a").counter("n").incr(5);
  scope.scope("a").stat("s").record(5);
  flush();
  scope.scope("a").close();
  flush();
  scope.scope("a").counter("n").incr(1);
  scope.scope("a").stat("s").record(2);
  flush();
  store.closeInterval();
  assert.equal(value(store, "a/n"), 1);
  assert.deepEqual(stat(store, "a/s").total, { count: 1, sum: 2 });
  assert.equal(stat(store, "a/s").snapshot?.max, 2);
});

test("memory of ended series is used again, however often they come and go", () => {
  const { scope, source, waiting, batches } = open();
  let blocks = 0;
  for (let round = 0; round < 200; round += 1) {
    for (let i = 0; i < 10; i += 1) scope.scope("s", `${i}`).stat("ms").record(1);
    for (let i = 0; i < 100; i += 1) scope.scope("s", `${i}`).counter("n").incr();
    scope.scope("s").close();
    for (const each of waiting.splice(0)) each();
    for (const batch of batches.splice(0)) {
      blocks += blocksOf(batch);
      source.apply(batch);
    }
  }
  assert.equal(blocks, 1);
});

test("memory is not used again before the reader knows that its series ended", () => {
  const { store, scope, flush, waiting, batches } = open();
  scope.scope("old").counter("n").incr(5);
  flush();
  scope.scope("old").close();
  for (const each of waiting.splice(0)) each();
  for (let i = 0; i < 2000; i += 1) scope.scope("new", `${i}`).counter("n").incr(100);
  assert.equal(value(store, "old/n"), 5);
  assert.equal(batches.length, 1);
});

test("a metric of an ended scope can be written and disturbs nobody", () => {
  const { store, scope, flush } = open();
  const held = scope.scope("a");
  const counter = held.counter("n");
  const latency = held.stat("s");
  flush();
  held.close();
  flush();
  for (let i = 0; i < 600; i += 1) scope.scope("b", `${i}`).counter("n");
  scope.scope("b").stat("s");
  counter.incr();
  latency.record(4);
  held.counter("later").incr();
  held.scope("below").gauge("g").set(3);
  flush();
  assert.ok(
    store.series().every((series) => (series.type === "stat" ? series.total.count : series.value) === 0),
  );
  assert.equal(find(store, "a/later"), undefined);
});

test("beyond the budget, series are counted and share one, and it is told once", () => {
  const told: number[] = [];
  const { store, scope, flush } = open(undefined, {
    seriesBudget: 3,
    onOverflow: (budget) => told.push(budget),
  });
  for (let i = 0; i < 3; i += 1) scope.counter(`n${i}`).incr();
  for (let i = 0; i < 5; i += 1) scope.scope("more", `${i}`).counter("n").incr(2);
  scope.scope("more").stat("s").record(9);
  scope.scope("more").gauge("g").set(9);
  scope.scope("more").close();
  flush();
  assert.equal(value(store, "_overflow/counts"), 10);
  assert.equal(value(store, "_overflow/series"), 7);
  assert.deepEqual(stat(store, "_overflow/values").total, { count: 1, sum: 9 });
  assert.equal(find(store, "more/0/n"), undefined);
  assert.deepEqual(
    [0, 1, 2].map((i) => value(store, `n${i}`)),
    [1, 1, 1],
  );
  assert.deepEqual(told, [3]);
});

test("when one worker ends a series that another still has, its count stays", () => {
  const store = new MetricsStore();
  const one = open(store);
  const two = open(store);
  for (const { scope, flush } of [one, two]) {
    scope.scope("c").counter("requests").incr(3);
    scope.scope("c").stat("ms").record(4);
    flush();
  }
  one.scope.scope("c").close();
  one.flush();
  assert.equal(value(store, "c/requests"), 6);
  store.closeInterval();
  assert.equal(stat(store, "c/ms").snapshot?.count, 2);
  two.scope.scope("c").close();
  two.flush();
  assert.equal(find(store, "c/requests"), undefined);
});

test("what a worker that died had counted stays; its gauges drop", () => {
  const store = new MetricsStore();
  const one = open(store);
  const two = open(store);
  for (const { scope, flush } of [one, two]) {
    scope.counter("requests").incr(3);
    scope.gauge("pending").set(1);
    scope.stat("ms").record(4);
    flush();
  }
  one.source.end();
  assert.equal(value(store, "requests"), 6);
  assert.equal(value(store, "pending"), 1);
  two.source.end();
  assert.equal(value(store, "requests"), 6);
  assert.equal(find(store, "pending"), undefined);
  const three = open(store);
  three.scope.counter("requests").incr();
  three.scope.stat("ms").record(4);
  three.flush();
  store.closeInterval();
  assert.equal(value(store, "requests"), 7);
  assert.deepEqual(stat(store, "ms").total, { count: 3, sum: 12 });
  assert.equal(stat(store, "ms").snapshot?.count, 3);
});

test("what nobody takes up again after a worker's death expires", () => {
  const { store, scope, source, flush } = open();
  scope.counter("requests").incr(3);
  flush();
  source.end();
  for (let i = 0; i < 9; i += 1) store.closeInterval();
  assert.equal(value(store, "requests"), 3);
  store.closeInterval();
  assert.equal(find(store, "requests"), undefined);
});

test("series come in the order of their full names, whatever scopes and names are made of", () => {
  const element = fc.constantFrom("a", "a-b", "a0", "a/b", "b", "a/b/c", "\u00fc", '"');
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.array(element, { maxLength: 3 }), element)), (made) => {
      const { store, scope, flush } = open();
      for (const [scopes, name] of made) scope.scope(...scopes).counter(name);
      flush();
      const full = new Set(made.map(([scopes, name]) => [...scopes, name].join("/")));
      assert.deepEqual([...new Set(store.series().map(fullName))], [...full].sort());
      const walk = store.walk((text) => JSON.stringify(text).slice(1, -1));
      const shown: string[] = [];
      for (let series = walk.next(); series !== undefined; series = walk.next())
        shown.push(`"${walk.prefix}${JSON.stringify(series.name).slice(1)}`);
      assert.deepEqual(
        shown,
        store.series().map((series) => JSON.stringify(fullName(series))),
      );
    }),
  );
});

test("series that begin and end while they are walked through disturb no others", () => {
  const { store, scope, flush } = open();
  for (let i = 10; i < 20; i += 1) scope.scope("c", `${i}`).counter("n").incr();
  flush();
  const walk = store.walk();
  assert.equal(walk.next()?.scopes[1], "10");
  scope.scope("c", "12").close();
  for (const name of ["05", "15/x", "99"]) scope.scope("c", name).counter("n").incr();
  flush();
  const met: string[] = [];
  for (let series = walk.next(); series !== undefined; series = walk.next()) met.push(series.scopes[1]!);
  assert.deepEqual(met, ["11", "13", "14", "15", "16", "17", "18", "19"]);
  assert.deepEqual(
    store.series().map((series) => series.scopes[1]),
    ["05", "10", "11", "13", "14", "15", "15/x", "16", "17", "18", "19", "99"].toSorted(),
  );
});

test("a scope finds its series and gauges that are computed beside them, however many there are", () => {
  const { store, scope, flush } = open();
  store.computed(["s"], "n7", () => 3);
  for (let i = 0; i < 300; i += 1) scope.scope("s").gauge(`n${i}`).set(i);
  flush();
  const again = open(store);
  for (let i = 0; i < 300; i += 1) again.scope.scope("s").gauge(`n${i}`).set(1);
  again.flush();
  assert.equal(store.series().length, 301);
  assert.equal(store.value("gauge", ["s"], "n7"), 8);
  assert.equal(store.value("counter", ["s"], "n7"), undefined);
});

test("a computed gauge is read when it is asked for", () => {
  const store = new MetricsStore();
  let now = 1;
  store.computed(["jvm"], "uptime", () => now);
  assert.equal(value(store, "jvm/uptime"), 1);
  now = 2;
  assert.equal(value(store, "jvm/uptime"), 2);
  store.removeComputed(["jvm"]);
  assert.equal(find(store, "jvm/uptime"), undefined);
});

test("a flow is read as four series, and its place is used again when it ends", () => {
  const { store, scope, flush } = open();
  const place = scope.scope("rt", "http");
  const flow = place.flow();
  assert.equal(place.flow(), flow);
  for (let n = 0; n < 4; n++) flow.begin();
  flow.end(true, 5);
  flow.end(false, 7);
  flow.drop();
  flush();
  const read = (name: string): number | undefined => value(store, `rt/http/${name}`);
  assert.deepEqual([read("requests"), read("success"), read("pending")], [2, 1, 1]);
  assert.deepEqual(stat(store, "rt/http/request_latency_ms").total, { count: 2, sum: 12 });
  place.close();
  flow.end(true, 5);
  flush();
  assert.equal(store.series().length, 0);
  // What comes next begins at zero, and the ended one writes nowhere near it.
  for (let n = 0; n < 100; n++) scope.scope(`${n}`).flow();
  flow.end(true, 5);
  flush();
  assert.equal(store.series().length, 400);
  assert.ok(
    store.series().every((series) => (series.type === "stat" ? series.total.count : series.value) === 0),
  );
});

test("beyond the budget, flows share series too, and what is in flight is told of nobody", () => {
  const { store, scope, flush } = open(undefined, { seriesBudget: 4 });
  const flows = Array.from({ length: 3 }, (_, n) => scope.scope(`${n}`).flow());
  for (const flow of flows) {
    flow.begin();
    flow.end(true, 8);
  }
  flows[2]!.begin();
  flush();
  assert.equal(value(store, "0/requests"), 1);
  assert.equal(find(store, "1/requests"), undefined);
  assert.equal(value(store, "_overflow/counts"), 4);
  assert.deepEqual(stat(store, "_overflow/values").total, { count: 2, sum: 16 });
  scope.scope("1").close();
  flows[2]!.end(false, 8);
  flush();
  assert.equal(value(store, "_overflow/counts"), 5);
});
