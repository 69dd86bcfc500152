/** The namers of Kubernetes while the API server misbehaves, beyond what the vectors hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Addr, Address, type Bound, NameTree, Path } from "../../dtab/index.ts";
import { createDaemonset } from "../../namers/k8s/daemonset.ts";
import { createEndpointsNamer } from "../../namers/k8s/endpoints-namer.ts";
import { createExternalNamer } from "../../namers/k8s/external-namer.ts";
import k8sNs from "../../namers/k8s/k8s-ns.ts";
import type { NamerContext } from "../../plugins/contract.ts";
import { fakeClock, settle } from "../kit/clock.ts";
import { recordedLog } from "../kit/log.ts";
import { recordedMetrics } from "../kit/metrics.ts";
import { leafOf, observe } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { notFound, scriptedApi } from "./k8s-api.ts";

const web = "/api/v1/namespaces/prod/endpoints/web";

const endpoints = (version: number, ips: readonly string[], port = 80, name = "web") => ({
  kind: "Endpoints",
  metadata: { name, namespace: "prod", resourceVersion: String(version) },
  subsets:
    ips.length === 0
      ? []
      : [{ addresses: ips.map((ip) => ({ ip })), ports: [{ name: "http", port, protocol: "TCP" }] }],
});

const event = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
const bookmark = (version: number): string =>
  event("BOOKMARK", { kind: "Endpoints", metadata: { resourceVersion: String(version) } });

/** A namer that watches `/prod/http/web`, bound to 10.0.0.1 at first. */
async function watching(known = true) {
  const clock = fakeClock();
  const log = recordedLog();
  const server = scriptedApi(known ? { [web]: { body: endpoints(10, ["10.0.0.1"]) } } : {});
  const ctx: NamerContext = { ...pluginContext(), clock, log, prefix: Path.read("/#/io.l5d.k8s") };
  const namer = createEndpointsNamer({}, ctx, server.api);
  const tree = observe(namer.lookup(Path.read("/prod/http/web")).states);
  await settle();
  let addr: { last(): Addr; count(): number; close(): void } | undefined;
  const set = (): string => {
    const state = tree.last();
    if (state.tag !== "ok") return state.tag;
    if (state.value.tag !== "leaf") return state.value.tag;
    addr ??= observe((state.value.value as Bound).addr);
    const now = addr.last();
    return now.tag === "bound" ? now.addresses.map(Address.show).join(" ") : now.tag;
  };
  const close = (): void => {
    tree.close();
    addr?.close();
  };
  return { clock, log, server, namer, tree, set, close };
}

test("a watch begins where the list ended, and its events are applied", async () => {
  const { server, set, close } = await watching();
  assert.equal(set(), "10.0.0.1:80");
  assert.match(
    server.watches[0]!,
    /^\/api\/v1\/watch\/namespaces\/prod\/endpoints\/web\?allowWatchBookmarks=true&timeoutSeconds=(1[5-9]|20)&resourceVersion=10$/,
  );
  server.send("web", event("MODIFIED", endpoints(11, ["10.0.0.1", "10.0.0.2"], 81)));
  await settle();
  assert.equal(set(), "10.0.0.1:81 10.0.0.2:81");
  server.send("web", event("DELETED", endpoints(12, [])));
  await settle();
  assert.equal(set(), "neg");
  close();
});

test("an event may come in pieces, and several at once", async () => {
  const { server, set, close } = await watching();
  const text =
    event("MODIFIED", endpoints(11, ["10.0.0.2"])) + event("MODIFIED", endpoints(12, ["10.0.0.3"]));
  server.send("web", text.slice(0, 30));
  await settle();
  assert.equal(set(), "10.0.0.1:80");
  server.send("web", text.slice(30));
  await settle();
  assert.equal(set(), "10.0.0.3:80");
  close();
});

test("a name that does not exist is Neg, watched, and bound when it appears", async () => {
  const { server, set, close } = await watching(false);
  assert.equal(set(), "neg");
  assert.ok(!server.watches[0]?.includes("resourceVersion"));
  server.send("web", event("ADDED", endpoints(5, ["10.0.0.7"])));
  await settle();
  assert.equal(set(), "10.0.0.7:80");
  close();
});

test("a watch that the server ends goes on from the last version, without a list", async () => {
  const { clock, server, close } = await watching();
  await clock.advance(12_000);
  server.send("web", bookmark(99));
  await settle();
  await clock.advance(2_000);
  server.end();
  await settle();
  assert.deepEqual([server.lists.length, server.watches.length], [1, 2]);
  assert.match(server.watches[1]!, /resourceVersion=99$/);
  close();
});

test("watches that end at once are opened with growing pauses", async () => {
  const { clock, server, close } = await watching();
  for (let i = 0; i < 400; i++) {
    server.end();
    await clock.advance(100);
  }
  assert.ok(server.watches.length < 20, `${server.watches.length} watches in 40 s`);
  assert.ok(server.watches.length > 5);
  close();
});

for (const [title, fault] of [
  ["a reset", (server) => server.end(new Error("ECONNRESET"))],
  [
    "truncated JSON",
    (server) => {
      server.send("web", '{"type":"MODIFIED","obj');
      server.end();
    },
  ],
  ["garbage", (server) => server.send("web", "<html>\n")],
  ["an object of another kind", (server) => server.send("web", event("MODIFIED", { kind: "Pod" }))],
  [
    "addresses that make no sense",
    (server) =>
      server.send("web", event("MODIFIED", { ...endpoints(11, []), subsets: [{ addresses: [{}] }] })),
  ],
  ["an error event", (server) => server.send("web", event("ERROR", { code: 500, message: "etcd is away" }))],
] as [string, (server: ReturnType<typeof scriptedApi>) => void][]) {
  test(`${title} in a watch keeps what is known, and a list brings what is new`, async () => {
    const { clock, log, server, set, close } = await watching();
    server.answers.set(web, { body: endpoints(12, ["10.0.0.9"]) });
    fault(server);
    await settle();
    assert.equal(set(), "10.0.0.1:80");
    assert.match(log.lines.join(), /warn: a watch of Kubernetes broke; what is known stays in use/);
    await clock.advance(1_000);
    assert.equal(set(), "10.0.0.9:80");
    assert.equal(server.open.size, 1);
    close();
  });
}

test("410 as an event in a 200 lists again, and is no complaint", async () => {
  const { clock, log, server, set, close } = await watching();
  server.answers.set(web, { body: endpoints(500, ["10.0.0.4"]) });
  server.send("web", event("ERROR", { kind: "Status", code: 410, message: "too old resource version" }));
  await clock.advance(1_000);
  assert.equal(set(), "10.0.0.4:80");
  assert.match(server.watches.at(-1)!, /resourceVersion=500$/);
  assert.deepEqual(log.lines, []);
  close();
});

test("410 as a status lists again, without a busy loop", async () => {
  const { clock, server, set, close } = await watching();
  server.watchStatus = 410;
  server.end();
  await clock.advance(30_000);
  assert.equal(set(), "10.0.0.1:80");
  assert.ok(server.lists.length > 2 && server.lists.length < 20, `${server.lists.length} lists in 30 s`);
  server.watchStatus = 200;
  server.answers.set(web, { body: endpoints(501, ["10.0.0.5"]) });
  await clock.advance(15_000);
  assert.equal(set(), "10.0.0.5:80");
  close();
});

for (const [title, answer] of [
  ["500", { status: 500, body: { kind: "Status", message: "boom" } }],
  ["403", { status: 403, body: { kind: "Status", message: "forbidden" } }],
  ["a 404 of somebody in between", { status: 404, body: "<h1>no route</h1>" }],
  ["truncated JSON", { body: '{"kind":"Endpoints","metadata":{"na' }],
  ["HTML", { body: "<html></html>" }],
  ["an empty object", { body: {} }],
  ["another object", { body: endpoints(99, ["6.6.6.6"], 80, "other") }],
] as const) {
  test(`a list that is ${title} changes nothing, and is asked for until it is good`, async () => {
    const { clock, server, set, namer, close } = await watching();
    server.answers.set(web, answer);
    server.end(new Error("ECONNRESET"));
    await clock.advance(60_000);
    assert.equal(set(), "10.0.0.1:80");
    const { endpoints: shown } = namer.state() as {
      endpoints: Record<string, { state: { lastError?: string } }>;
    };
    assert.ok(shown["prod/web"]?.state.lastError);
    server.answers.set(web, { body: endpoints(100, ["10.0.0.8"]) });
    await clock.advance(10_000);
    assert.equal(set(), "10.0.0.8:80");
    close();
  });
}

test("a list that takes all addresses away is believed when it is said again", async () => {
  for (const answer of [notFound, { body: endpoints(20, []) }]) {
    const { clock, server, set, close } = await watching();
    server.answers.set(web, answer);
    server.end(new Error("ECONNRESET"));
    await clock.advance(5_000);
    assert.equal(set(), "10.0.0.1:80");
    await clock.advance(10_000);
    assert.equal(set(), "neg");
    close();
  }
});

test("a list that is empty once is not believed", async () => {
  const { clock, server, set, close } = await watching();
  server.answers.set(web, { body: endpoints(20, []) });
  server.end(new Error("ECONNRESET"));
  await clock.advance(5_000);
  server.answers.set(web, { body: endpoints(21, ["10.0.0.1", "10.0.0.2"]) });
  await clock.advance(10_000);
  assert.equal(set(), "10.0.0.1:80 10.0.0.2:80");
  close();
});

test("a server that has not caught up is not believed, and one that was restored is", async () => {
  const { clock, server, set, close } = await watching();
  server.answers.set(web, { body: endpoints(9, ["10.0.0.99"]) });
  server.send("web", event("MODIFIED", endpoints(8, ["10.0.0.98"])));
  await settle();
  assert.equal(set(), "10.0.0.1:80");
  server.end(new Error("ECONNRESET"));
  await clock.advance(5_000);
  assert.equal(set(), "10.0.0.1:80");
  await clock.advance(10_000);
  assert.equal(set(), "10.0.0.99:80");
  server.send("web", event("MODIFIED", endpoints(11, ["10.0.0.97"])));
  await settle();
  assert.equal(set(), "10.0.0.97:80");
  close();
});

test("a watch that stays silent for ten minutes is found out", async () => {
  const { clock, server, set, close } = await watching();
  server.answers.set(web, { body: endpoints(30, ["10.0.0.3"]) });
  await clock.advance(19_000);
  assert.equal(set(), "10.0.0.1:80");
  await clock.advance(7_000);
  assert.equal(set(), "10.0.0.3:80");
  await clock.advance(600_000);
  assert.ok(server.watches.length >= 6);
  assert.equal(server.open.size, 1);
  close();
});

test("all is listed again every ten minutes or so, however well the watch does", async () => {
  const { clock, server, set, close } = await watching();
  server.answers.set(web, { body: endpoints(30, ["10.0.0.3"]) });
  for (let minute = 0; minute < 15; minute++) {
    for (let part = 0; part < 5; part++) {
      server.send("web", bookmark(20));
      await clock.advance(12_000);
      if (part % 2 === 0) server.end();
    }
  }
  assert.equal(server.lists.length, 2);
  assert.equal(set(), "10.0.0.3:80");
  close();
});

test("an API server that is away at the start is waited for", async () => {
  const clock = fakeClock();
  const server = scriptedApi({ [web]: { body: endpoints(1, ["10.0.0.1"]) } });
  let away = true;
  const ctx = { ...pluginContext(), clock, prefix: Path.read("/#/k") };
  const namer = createEndpointsNamer({}, ctx, async (target, kind, signal) => {
    if (away) throw new Error("ECONNREFUSED");
    return server.api(target, kind, signal);
  });
  const tree = observe(namer.lookup(Path.read("/prod/http/web")).states);
  await clock.advance(120_000);
  assert.equal(tree.last().tag, "pending");
  away = false;
  await clock.advance(10_000);
  assert.ok(leafOf(tree.last()));
  tree.close();
});

test("a list that trickles forever is given up and tried again", async () => {
  const clock = fakeClock();
  const server = scriptedApi({ [web]: { body: endpoints(2, ["10.0.0.2"]) } });
  let asked = 0;
  const slow = createEndpointsNamer(
    {},
    { ...pluginContext(), clock, prefix: Path.read("/#/k") },
    async (target, kind, signal) => {
      if (++asked > 3) return server.api(target, kind, signal);
      return {
        status: 200,
        chunks: (async function* () {
          for (;;) {
            await clock.sleep(1_000, signal);
            if (signal.aborted) return;
            yield " ";
          }
        })(),
      };
    },
  );
  const tree = observe(slow.lookup(Path.read("/prod/http/web")).states);
  await clock.advance(60_000);
  assert.ok(leafOf(tree.last()));
  tree.close();
});

test("the last observer ends all work, and what was known serves the next one at once", async () => {
  const { clock, server, set, namer, close } = await watching();
  assert.equal(set(), "10.0.0.1:80");
  assert.deepEqual(
    namer.names().map(({ name }) => name.show()),
    ["/#/io.l5d.k8s/prod/http/web"],
  );
  close();
  await settle();
  assert.equal(server.open.size, 0);
  assert.equal(clock.sleepers, 0);
  assert.deepEqual(namer.names(), []);
  server.answers.set(web, { status: 500, body: "" });
  const again = observe(namer.lookup(Path.read("/prod/http/web")).states);
  await settle();
  const addr = (leafOf(again.last()) as Bound).addr.sample();
  assert.equal(addr.tag === "bound" && addr.addresses.map(Address.show).join(), "10.0.0.1:80");
  again.close();
});

test("names that no object can have are not asked for", async () => {
  const { server, namer, close } = await watching();
  for (const path of ["/prod/http/a_b", "/prod/http/..", "/prod/http/a%2fb", "/-x/http/web", "/prod/http"]) {
    const tree = observe(namer.lookup(Path.read(path)).states);
    assert.equal(tree.last().tag === "ok", true, path);
    tree.close();
  }
  assert.equal(server.lists.length, 1);
  close();
});

test("random names cost a limited number of watches, and are found when they appear all the same", async () => {
  const { clock, server, namer, set, close } = await watching();
  const trees = Array.from({ length: 200 }, (_, i) =>
    observe(namer.lookup(Path.read(`/prod/http/scan-${i}`)).states),
  );
  await settle();
  assert.equal(server.open.size, 1 + 64);
  for (const tree of trees) assert.deepEqual(tree.last(), { tag: "ok", value: NameTree.neg });
  server.answers.set("/api/v1/namespaces/prod/endpoints/scan-199", {
    body: endpoints(50, ["10.0.3.1"], 80, "scan-199"),
  });
  await clock.advance(30_000);
  assert.ok(leafOf(trees[199]!.last()));
  assert.equal(set(), "10.0.0.1:80");
  for (const tree of trees) tree.close();
  await settle();
  assert.equal(server.open.size, 1);
  close();
});

test("a failure is told once, and so is its end", async () => {
  const { clock, log, server, close } = await watching();
  server.answers.set(web, { status: 500, body: "" });
  server.end(new Error("ECONNRESET"));
  await clock.advance(45_000);
  server.answers.set(web, { body: endpoints(11, ["10.0.0.1"]) });
  await clock.advance(15_000);
  assert.deepEqual(log.lines, [
    "warn: a watch of Kubernetes broke; what is known stays in use",
    "info: Kubernetes answers again",
  ]);
  close();
});

test("the state document tells of list, stream and errors", async () => {
  const { server, namer, close } = await watching();
  server.send("web", event("MODIFIED", endpoints(11, ["10.0.0.2"])));
  await settle();
  const { endpoints: shown } = namer.state() as {
    endpoints: Record<string, { state: Record<string, unknown>; watch: Record<string, unknown> }>;
  };
  const { state, watch } = shown["prod/web"]!;
  assert.equal(state["running"], true);
  assert.equal(state["lastUpdatedAt"], "2023-11-14 22:13:20 +0000");
  assert.match(JSON.stringify(state["value"]), /10\.0\.0\.2/);
  assert.match(JSON.stringify(state["value"]), /"http":80/);
  assert.match(String(watch["request"]), /^GET \/api\/v1\/watch\/namespaces\/prod\/endpoints\/web\?/);
  assert.match(String(watch["response"]), /"resourceVersion":"10"/);
  assert.match(String(watch["lastStreamData"]), /"resourceVersion":"11"/);
  assert.equal(watch["streaming"], true);
  close();
});

test("EndpointSlices are put together, each with its own ports, and only what is ready counts", async () => {
  const target =
    "/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dweb";
  const slice = (name: string, version: number, port: number, ips: readonly string[], ready = true) => ({
    kind: "EndpointSlice",
    metadata: { name, resourceVersion: String(version) },
    addressType: "IPv4",
    endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready }, nodeName: "n1", zone: "z1" })),
    ports: [{ name: "http", port, protocol: "TCP" }],
  });
  const list = (version: number, ...items: object[]) => ({
    body: { kind: "EndpointSliceList", metadata: { resourceVersion: String(version) }, items },
  });
  const { kind: _, ...first } = slice("web-a", 3, 80, ["10.0.0.1"]);
  const server = scriptedApi({ [target]: list(9, first, slice("web-b", 4, 8080, ["10.0.0.2"])) });
  const clock = fakeClock();
  const ctx = { ...pluginContext(), clock, prefix: Path.read("/#/k") };
  const options = { endpointSlices: true };
  const namer = createEndpointsNamer(options, ctx, server.api);
  const tree = observe(namer.lookup(Path.read("/prod/http/web")).states);
  await settle();
  const addr = observe((leafOf(tree.last()) as Bound).addr);
  const shown = (): string => {
    const now = addr.last();
    return now.tag === "bound" ? now.addresses.map(Address.show).join(" ") : now.tag;
  };
  assert.equal(shown(), "10.0.0.1:80 10.0.0.2:8080");
  const now = addr.last();
  assert.deepEqual(now.tag === "bound" && now.addresses[0]?.meta, { nodeName: "n1", zone: "z1" });
  assert.ok(server.watches[0]!.startsWith(`${target}&watch=true&allowWatchBookmarks=true&timeoutSeconds=`));
  assert.match(server.watches[0]!, /&resourceVersion=9$/);
  server.send("web", event("ADDED", slice("web-c", 10, 80, ["10.0.0.3"])));
  server.send("web", event("MODIFIED", slice("web-b", 11, 8080, ["10.0.0.2"], false)));
  await settle();
  assert.equal(shown(), "10.0.0.1:80 10.0.0.3:80");
  server.send("web", event("DELETED", slice("web-a", 12, 80, ["10.0.0.1"])));
  await settle();
  assert.equal(shown(), "10.0.0.3:80");
  for (const bad of [list(20), { body: { kind: "EndpointsList", metadata: {}, items: [] } }]) {
    server.answers.set(target, bad);
    server.end(new Error("ECONNRESET"));
    await clock.advance(5_000);
    assert.equal(shown(), "10.0.0.3:80");
  }
  server.answers.set(target, list(21));
  await clock.advance(30_000);
  assert.equal(shown(), "neg");
  assert.deepEqual(tree.last(), { tag: "ok", value: NameTree.neg });
  addr.close();
  tree.close();
});

test("the age of what is known rises while the API server is away, also for a name that comes back", async () => {
  const clock = fakeClock();
  const metrics = recordedMetrics();
  const server = scriptedApi({ [web]: { body: endpoints(10, ["10.0.0.1"]) } });
  const ctx = { ...pluginContext(), clock, metrics, prefix: Path.read("/#/k") };
  const namer = createEndpointsNamer({}, ctx, server.api);
  const age = () => metrics.value("name/endpoints/prod/web/discovery_age_seconds");
  const tree = observe(namer.lookup(Path.read("/prod/http/web")).states);
  await clock.advance(5_000);
  assert.equal(age(), 5);
  server.send("web", bookmark(11));
  await clock.advance(5_000);
  assert.equal(age(), 5);
  server.answers.set(web, { status: 500, body: "" });
  server.end(new Error("ECONNRESET"));
  await clock.advance(60_000);
  assert.equal(age(), 65);
  tree.close();
  await clock.advance(30_000);
  assert.equal(age(), undefined);
  const again = observe(namer.lookup(Path.read("/prod/http/web")).states);
  await clock.advance(5_000);
  assert.equal(age(), 100);
  server.answers.set(web, { body: endpoints(12, []) });
  await clock.advance(20_000);
  assert.equal(age(), undefined);
  again.close();
});

test("how long a watch is kept open can be chosen", async () => {
  const server = scriptedApi({ [web]: { body: endpoints(10, ["10.0.0.1"]) } });
  const ctx = { ...pluginContext(), clock: fakeClock(), prefix: Path.read("/#/k") };
  const namer = createEndpointsNamer({ watchSeconds: 400 }, ctx, server.api);
  const tree = observe(namer.lookup(Path.read("/prod/http/web")).states);
  await settle();
  assert.match(server.watches[0]!, /&timeoutSeconds=(3\d\d|400)&/);
  tree.close();
});

test("io.l5d.k8s.ns needs its variable, and tells which", () => {
  const options = {
    host: "x",
    port: 1,
    envVar: "MY_NAMESPACE",
    endpointSlices: false,
    watchSeconds: 20,
    panicThreshold: 50,
  };
  const ctx = { ...pluginContext(), prefix: Path.read("/#/io.l5d.k8s.ns") };
  assert.throws(() => k8sNs.create(options, ctx), /MY_NAMESPACE must be set to a namespace/);
});

test("a load balancer's host name is resolved, and followed", async () => {
  const clock = fakeClock();
  const target = "/api/v1/namespaces/prod/services/web";
  const server = scriptedApi({
    [target]: {
      body: {
        kind: "Service",
        metadata: { name: "web", resourceVersion: "1" },
        spec: { ports: [{ name: "http", port: 80 }] },
        status: { loadBalancer: { ingress: [{ hostname: "lb.example" }] } },
      },
    },
  });
  let ips = ["10.9.9.1"];
  const ctx = { ...pluginContext(), clock, prefix: Path.read("/#/x") };
  const namer = createExternalNamer({}, ctx, server.api, async () => ips);
  const tree = observe(namer.lookup(Path.read("/Prod/http/web/rest")).states);
  await settle();
  const leaf = leafOf(tree.last()) as Bound;
  assert.deepEqual([leaf.id.show(), leaf.residual.show()], ["/#/x/Prod/http/web", "/rest"]);
  const addr = observe(leaf.addr);
  await settle();
  assert.deepEqual(addr.last(), { tag: "bound", addresses: [Address.of("10.9.9.1", 80)], meta: {} });
  ips = ["10.9.9.2"];
  await clock.advance(5_000);
  assert.deepEqual(addr.last(), { tag: "bound", addresses: [Address.of("10.9.9.2", 80)], meta: {} });
  addr.close();
  tree.close();
});

test("a daemonset stands for the endpoints on its nodes, and is watched as they are", async () => {
  const { tree, close } = await watching();
  const source = leafOf(tree.last()) as Bound;
  const target = "/api/v1/namespaces/l5d/endpoints/l5d";
  const daemons = { ...endpoints(1, ["10.0.0.200", "10.0.7.200"], 4141, "l5d") };
  const server = scriptedApi({ [target]: { body: daemons } });
  const options = {
    namespace: "l5d",
    service: "l5d",
    port: "http",
    hostNetwork: false,
  };
  const prefix = Path.read("/%/io.l5d.k8s.daemonset/l5d/http/l5d");
  const ctx = { ...pluginContext(), clock: fakeClock(), prefix, bind: () => assert.fail() };
  const transformed = observe(
    createDaemonset(options, ctx, server.api).transform({ tag: "leaf", value: source }).states,
  );
  assert.equal(transformed.last().tag, "pending");
  await settle();
  const leaf = leafOf(transformed.last());
  assert.equal(leaf.id.show(), "/%/io.l5d.k8s.daemonset/l5d/http/l5d/#/io.l5d.k8s/prod/http/web");
  const addr = observe(leaf.addr);
  assert.deepEqual(addr.last(), { tag: "bound", addresses: [Address.of("10.0.0.200", 4141)], meta: {} });
  server.send("l5d", event("MODIFIED", endpoints(2, ["10.0.0.201"], 4141, "l5d")));
  await settle();
  assert.deepEqual(addr.last(), { tag: "bound", addresses: [Address.of("10.0.0.201", 4141)], meta: {} });
  addr.close();
  transformed.close();
  close();
});
