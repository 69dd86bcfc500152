/** Scopes of metrics with several owners, as two routers of one label have them during a reload. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MetricsStore } from "../../daemon/control/metrics-store.ts";
import { SharedScope } from "../../daemon/data/shared-scope.ts";
import { createMetrics } from "../../daemon/shared/metrics-memory.ts";

const rig = () => {
  const store = new MetricsStore();
  const source = store.source();
  const root = SharedScope.root(createMetrics((changes) => source.apply(changes)));
  const settled = async (): Promise<Record<string, number>> => {
    await new Promise(setImmediate);
    const values: Record<string, number> = {};
    for (const series of store.series()) {
      if (series.type !== "stat") values[[...series.scopes, series.name].join("/")] = series.value;
    }
    return values;
  };
  return { root, settled };
};

test("owners of one scope write to the same series, which ends with the last of them", async () => {
  const { root, settled } = rig();
  const old = root.open("rt", "http");
  const next = root.open("rt", "http");
  old.counter("requests").incr();
  next.counter("requests").incr();
  assert.deepEqual(await settled(), { "rt/http/requests": 2 });
  old.close();
  old.close();
  next.counter("requests").incr();
  assert.deepEqual(await settled(), { "rt/http/requests": 3 });
  next.close();
  assert.deepEqual(await settled(), {});
});

test("a scope below has owners of its own, and knows when it is alone", async () => {
  const { root, settled } = rig();
  const old = root.open("rt", "http");
  const next = root.open("rt", "http");
  const [mine, theirs] = [old.open("service", "web"), next.open("service", "web")];
  const rest = old.open("service", "api");
  mine.counter("requests").incr();
  rest.counter("requests").incr();
  assert.deepEqual([mine.alone, rest.alone], [false, true]);
  mine.close();
  rest.close();
  assert.ok(theirs.alone);
  assert.deepEqual(await settled(), { "rt/http/service/web/requests": 1 });
});

test("a scope that ended begins anew", async () => {
  const { root, settled } = rig();
  const first = root.open("rt", "http");
  first.counter("requests").incr(5);
  first.close();
  root.open("rt", "http").counter("requests").incr();
  assert.deepEqual(await settled(), { "rt/http/requests": 1 });
});
