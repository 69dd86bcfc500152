/** The namers of Kubernetes over restarts, when they are too old, and when most endpoints are gone all at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readPlainData, showPlainData } from "../../daemon/control/snapshot/plain-data.ts";
import { type Addr, Address, type Bound, distrustedKey, Path } from "../../dtab/index.ts";
import { createEndpointsNamer } from "../../namers/k8s/endpoints-namer.ts";
import type { K8sOptions } from "../../namers/k8s/names.ts";
import type { KeptName, KeptNames } from "../../plugins/contract.ts";
import { fakeClock, settle } from "../kit/clock.ts";
import { recordedLog } from "../kit/log.ts";
import { recordedMetrics } from "../kit/metrics.ts";
import { addressesOf, leafOf, observe } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { type Scripted, scriptedApi } from "./k8s-api.ts";

const web = "/api/v1/namespaces/prod/endpoints/web";
const ips = (count: number): string[] => Array.from({ length: count }, (_, i) => `10.0.0.${i + 1}`);
const down: Scripted = { status: 503, body: "" };

const endpoints = (version: number, addresses: readonly string[]): Scripted => ({
  body: {
    kind: "Endpoints",
    metadata: { name: "web", namespace: "prod", resourceVersion: String(version) },
    subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: "http", port: 80 }] }],
  },
});

/** A namer that watches `/prod/http/web`; `last` is what was kept, by source. */
async function rig(
  answer: Scripted,
  options: K8sOptions = {},
  last: Readonly<Record<string, readonly KeptName[]>> = {},
) {
  const [clock, log, metrics] = [fakeClock(), recordedLog(), recordedMetrics()];
  const server = scriptedApi({ [web]: answer });
  const current = new Map<string, () => Iterable<KeptName>>();
  const kept: KeptNames = {
    keep(source, now) {
      current.set(source, now);
      return last[source] ?? [];
    },
    changed() {},
  };
  const ctx = { ...pluginContext(), clock, log, metrics, kept, prefix: Path.read("/#/io.l5d.k8s") };
  const namer = createEndpointsNamer(options, ctx, server.api);
  const tree = observe(namer.lookup(Path.read("/prod/http/web")).states);
  await settle();
  let addr: ReturnType<typeof observe<Addr>> | undefined;
  return {
    clock,
    log,
    metrics,
    server,
    tree,
    addr: () => (addr ??= observe((leafOf(tree.last()) as Bound).addr)).last(),
    shown: () => JSON.parse(JSON.stringify(namer.state())).endpoints["prod/web"] as Record<string, unknown>,
    /** What would be kept, written and read. */
    kept: () =>
      Object.fromEntries(
        [...current].map(([source, now]) => [source, readPlainData(showPlainData([...now()])) as KeptName[]]),
      ),
    close() {
      tree.close();
      addr?.close();
    },
  };
}

const start = fakeClock().now();
/** What one API server says counts for no other. */
const source = "endpoints of localhost:8001";

test("what was kept is served while the API server is away, with its age, and even if nobody watched it at the end", async () => {
  const before = await rig(endpoints(10, ips(2)));
  assert.deepEqual(Object.keys(before.kept()), [source, "services of localhost:8001"]);
  assert.equal(before.kept()[source]![0]!.name, "prod/web");
  before.close();
  const { [source]: names } = before.kept();
  assert.equal(names!.length, 1);
  const at = start - 3_600_000;
  const after = await rig(down, {}, { [source]: [{ ...names![0]!, at }] });
  assert.deepEqual(addressesOf(after.addr()), ["10.0.0.1:80", "10.0.0.2:80"]);
  assert.equal(after.metrics.value("name/endpoints/prod/web/discovery_age_seconds"), 3_600);
  assert.equal(after.metrics.value("discovery_stale_names"), 1);
  assert.deepEqual([after.shown()["restored"], after.shown()["ageSeconds"]], [true, 3_600]);
  assert.deepEqual(after.kept()[source], [{ ...names![0]!, at }]);
  after.server.answers.set(web, endpoints(11, ["10.0.0.9"]));
  await after.clock.advance(15_000);
  assert.deepEqual(addressesOf(after.addr()), ["10.0.0.9:80"]);
  assert.equal(after.shown()["restored"], undefined);
  after.close();
});

test("a first list that is empty does not take away at once what was kept", async () => {
  const before = await rig(endpoints(10, ips(2)));
  const after = await rig(endpoints(11, []), {}, before.kept());
  assert.equal(addressesOf(after.addr()).length, 2);
  assert.equal(after.metrics.value("discovery_held"), 1);
  await after.clock.advance(11_000);
  assert.deepEqual(addressesOf(after.addr()), []);
  assert.deepEqual(after.kept()[source], []);
  before.close();
  after.close();
});

test("what was kept and makes no sense is none", async () => {
  for (const value of [null, 7, [{}], { groups: [] }]) {
    const { tree, close } = await rig(down, {}, { [source]: [{ name: "prod/web", value, at: start }] });
    assert.equal(tree.last().tag, "pending", JSON.stringify(value));
    close();
  }
});

test("a list that loses most endpoints is believed when it is said again", async () => {
  const { clock, server, addr, log, close } = await rig(endpoints(10, ips(10)), { panicThreshold: 30 });
  server.answers.set(web, endpoints(11, ips(6)));
  assert.equal(addressesOf(addr()).length, 10);
  server.end(new Error("reset"));
  await clock.advance(1_000);
  assert.equal(addressesOf(addr()).length, 10);
  assert.ok(log.lines.some((line) => line.startsWith("warn: a watch of Kubernetes broke")));
  await clock.advance(11_000);
  assert.equal(addressesOf(addr()).length, 6);
  server.answers.set(web, endpoints(12, ips(5)));
  server.end(new Error("reset"));
  await clock.advance(1_000);
  assert.equal(addressesOf(addr()).length, 5, "a sixth may go at once");
  close();
});

test("an object that the API server does not confirm is stale, then distrusted, and both end when it does", async () => {
  const { clock, server, addr, metrics, shown, close } = await rig(endpoints(10, ips(1)), {
    staleAfterSeconds: 30,
    distrustAfterSeconds: 90,
  });
  const isDistrusted = (): boolean => {
    const now = addr();
    return now.tag === "bound" && now.meta[distrustedKey] !== undefined;
  };
  assert.equal(isDistrusted(), false);
  server.answers.set(web, down);
  server.end(new Error("reset"));
  await clock.advance(60_000);
  assert.deepEqual([shown()["stale"], isDistrusted()], [true, false]);
  await clock.advance(40_000);
  assert.equal(isDistrusted(), true);
  assert.equal(shown()["distrusted"], true);
  assert.deepEqual(addr().tag === "bound" && addressesOf(addr()), [Address.show(Address.of("10.0.0.1", 80))]);
  assert.equal(metrics.value("discovery_distrusted_names"), 1);
  server.answers.set(web, endpoints(11, ips(1)));
  await clock.advance(15_000);
  assert.equal(isDistrusted(), false);
  assert.equal(metrics.value("discovery_stale_names"), 0);
  assert.equal(metrics.value("discovery_distrusted_names"), 0);
  close();
  await settle();
  assert.equal(metrics.value("name/endpoints/prod/web/discovery_age_seconds"), undefined);
  assert.equal(clock.sleepers, 0);
});
