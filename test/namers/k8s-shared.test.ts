/** Many names of one namespace: one watch for all of them, from EndpointSlices or what there is instead. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Addr, Address, type Bound, Path } from "../../dtab/index.ts";
import { createEndpointsNamer } from "../../namers/k8s/endpoints-namer.ts";
import type { K8sOptions } from "../../namers/k8s/names.ts";
import { sharedFrom } from "../../namers/k8s/shared-watch.ts";
import { fakeClock, settle } from "../kit/clock.ts";
import { recordedLog } from "../kit/log.ts";
import { leafOf, observe } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { type Scripted, scriptedApi } from "./k8s-api.ts";

const folder = "/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices";
const label = "kubernetes.io/service-name";

const slice = (service: string, version: number, ip: string, part = "a") => ({
  kind: "EndpointSlice",
  metadata: {
    name: `${service}-${part}`,
    namespace: "prod",
    labels: { [label]: service },
    resourceVersion: String(version),
  },
  addressType: "IPv4",
  endpoints: [{ addresses: [ip], conditions: { ready: true } }],
  ports: [{ name: "http", port: 80, protocol: "TCP" }],
});
const list = (version: number, items: readonly object[], kind = "EndpointSliceList"): Scripted => ({
  body: { kind, metadata: { resourceVersion: String(version) }, items },
});
const event = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;
const names = (count: number, prefix = "svc"): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
const ownTarget = (service: string): string =>
  `${folder}?labelSelector=${encodeURIComponent(`${label}=${service}`)}`;

/** A cluster of these services, each with one address, and a namer that watches some of them. */
function cluster(services: readonly string[], options: K8sOptions = { endpointSlices: true }) {
  const clock = fakeClock();
  const log = recordedLog();
  const slices = services.map((service, i) => slice(service, 10, `10.0.0.${i}`));
  const server = scriptedApi({ [folder]: list(20, slices) });
  for (const [i, service] of services.entries())
    server.answers.set(ownTarget(service), list(20, [slices[i]!]));
  const ctx = { ...pluginContext(), clock, log, prefix: Path.read("/#/k") };
  const namer = createEndpointsNamer(options, ctx, server.api);
  const watch = (service: string) => {
    const tree = observe(namer.lookup(Path.read(`/prod/http/${service}`)).states);
    let addr: { last(): Addr; close(): void } | undefined;
    return {
      show(): string {
        const state = tree.last();
        if (state.tag !== "ok") return state.tag;
        if (state.value.tag !== "leaf") return state.value.tag;
        addr ??= observe((leafOf(state) as Bound).addr);
        const now = addr.last();
        return now.tag === "bound" ? now.addresses.map(Address.show).join(" ") : now.tag;
      },
      close() {
        addr?.close();
        tree.close();
      },
    };
  };
  return { clock, log, server, namer, watch };
}

test("from so many services of a namespace on, one watch stands for all, and changes reach each", async () => {
  const services = names(sharedFrom + 20);
  const { clock, server, namer, watch } = cluster(services);
  const watched = services.map(watch);
  await settle();
  await clock.advance(100);
  assert.deepEqual(
    watched.map((each) => each.show()),
    services.map((_, i) => `10.0.0.${i}:80`),
  );
  assert.deepEqual(
    [...server.open].map(({ target }) => target.split("&")[0]),
    [`${folder}?watch=true`],
  );
  const lists = server.lists.length;
  server.send("watch=true", event("ADDED", slice("svc-7", 30, "10.1.1.1", "b")));
  server.send("watch=true", event("DELETED", slice("svc-9", 31, "10.0.0.9")));
  await settle();
  assert.equal(watched[7]!.show(), "10.0.0.7:80 10.1.1.1:80");
  assert.equal(watched[9]!.show(), "neg");
  // A name that comes later costs nothing, whether it is there or not.
  server.send("watch=true", event("ADDED", slice("late", 32, "10.2.2.2")));
  const [late, absent] = [watch("late"), watch("absent")];
  await settle();
  assert.deepEqual([late.show(), absent.show()], ["10.2.2.2:80", "neg"]);
  assert.equal(server.lists.length, lists);
  assert.match(JSON.stringify(namer.state()), /"prod\/\*":.*"members":54/);
  for (const each of [...watched, late, absent]) each.close();
  await settle();
  assert.equal(server.open.size, 0);
});

test("a shared watch that breaks changes nothing, a list that lacks most is asked for again", async () => {
  const services = names(sharedFrom);
  const { clock, server, watch } = cluster(services);
  const watched = services.map(watch);
  await clock.advance(100);
  server.answers.set(folder, { status: 500, body: "" });
  server.end(new Error("ECONNRESET"));
  await clock.advance(30_000);
  assert.equal(watched[3]!.show(), "10.0.0.3:80");
  server.answers.set(folder, list(40, [slice("svc-0", 40, "10.9.9.9")]));
  await clock.advance(9_000);
  assert.deepEqual([watched[0]!.show(), watched[3]!.show()], ["10.0.0.0:80", "10.0.0.3:80"]);
  await clock.advance(20_000);
  assert.deepEqual([watched[0]!.show(), watched[3]!.show()], ["10.9.9.9:80", "neg"]);
  for (const each of watched) each.close();
});

test("a list that lacks a few is believed at once", async () => {
  const services = names(sharedFrom);
  const { clock, server, watch } = cluster(services);
  const watched = services.map(watch);
  await clock.advance(100);
  const rest = services.slice(1).map((service, i) => slice(service, 41, `10.0.0.${i + 1}`));
  server.answers.set(folder, list(41, rest));
  server.end(new Error("ECONNRESET"));
  await clock.advance(1_000);
  assert.equal(watched[0]!.show(), "neg");
  assert.equal(watched[1]!.show(), "10.0.0.1:80");
  for (const each of watched) each.close();
});

test("a scan of random names makes nobody watch the whole namespace", async () => {
  const { clock, server, watch } = cluster(names(5));
  const watched = [...names(5), ...names(200, "scan")].map(watch);
  await clock.advance(1_000);
  assert.ok(!server.lists.includes(folder));
  for (const each of watched) each.close();
});

test("where the whole namespace may not be listed, every name keeps a watch of its own", async () => {
  const services = names(sharedFrom + 3);
  const { clock, server, watch } = cluster(services);
  server.answers.set(folder, { status: 403, body: { kind: "Status", message: "no" } });
  server.answers.set("/api/v1/namespaces/prod/endpoints", { status: 403, body: { kind: "Status" } });
  const watched = services.map(watch);
  await clock.advance(60_000);
  assert.deepEqual(
    watched.map((each) => each.show()),
    services.map((_, i) => `10.0.0.${i}:80`),
  );
  assert.equal(server.open.size, services.length);
  assert.equal(server.lists.filter((target) => target === folder).length, 1);
  for (const each of watched) each.close();
});

for (const [title, refusal] of [
  ["has no EndpointSlices", { status: 404, body: "404 page not found\n" }],
  ["does not let us see EndpointSlices", { status: 403, body: { kind: "Status", message: "forbidden" } }],
] as [string, Scripted][]) {
  test(`a cluster that ${title} is asked for Endpoints, and asked again every ten minutes only`, async () => {
    const { clock, log, server, watch } = cluster([]);
    const endpoints = (name: string) => ({
      body: {
        kind: "Endpoints",
        metadata: { name, namespace: "prod", resourceVersion: "3" },
        subsets: [{ addresses: [{ ip: "10.0.0.1" }], ports: [{ name: "http", port: 80 }] }],
      },
    });
    for (const name of ["a", "b"]) {
      server.answers.set(ownTarget(name), refusal);
      server.answers.set(`/api/v1/namespaces/prod/endpoints/${name}`, endpoints(name));
    }
    const a = watch("a");
    await settle();
    const b = watch("b");
    await settle();
    assert.deepEqual([a.show(), b.show()], ["10.0.0.1:80", "10.0.0.1:80"]);
    assert.deepEqual(
      server.lists.filter((target) => target.startsWith(folder)),
      [ownTarget("a")],
    );
    assert.deepEqual(log.lines, ["info: EndpointSlices are refused; Endpoints are read instead"]);
    // What is known stays with its source.
    server.answers.set(ownTarget("a"), list(50, []));
    server.end(new Error("ECONNRESET"));
    await clock.advance(60_000);
    assert.equal(a.show(), "10.0.0.1:80");
    a.close();
    b.close();
  });
}

test("a refusal in the middle of things takes nothing away", async () => {
  const { clock, server, watch } = cluster(["a"]);
  const a = watch("a");
  await settle();
  server.answers.set(ownTarget("a"), { status: 403, body: { kind: "Status", message: "forbidden" } });
  server.end(new Error("ECONNRESET"));
  await clock.advance(60_000);
  assert.equal(a.show(), "10.0.0.0:80");
  assert.ok(!server.lists.some((target) => target.startsWith("/api/v1/")));
  a.close();
});

test("of a service of two families the endpoints of IPv4 count, and those of IPv6 where there are no others", async () => {
  const { clock, server, watch } = cluster(["a"]);
  const six = { ...slice("a", 31, "fd00::1", "six"), addressType: "IPv6" };
  const a = watch("a");
  await clock.advance(100);
  server.send("watch=true", event("ADDED", six));
  await settle();
  assert.equal(a.show(), "10.0.0.0:80");
  server.send("watch=true", event("DELETED", slice("a", 32, "10.0.0.0")));
  await settle();
  assert.equal(a.show(), "[fd00::1]:80");
  a.close();
});

test("a port of a slice without a number, which stands for all, makes no other port unusable", async () => {
  const { clock, server, watch } = cluster(["a"]);
  const ports = [
    { name: "any", port: null, protocol: "TCP" },
    { name: "http", port: 81, protocol: "TCP" },
  ];
  const a = watch("a");
  await clock.advance(100);
  server.send("watch=true", event("MODIFIED", { ...slice("a", 31, "10.0.0.5"), ports }));
  await settle();
  assert.equal(a.show(), "10.0.0.5:81");
  a.close();
});

test("an ExternalName is its host, at the number that is asked for", async () => {
  const server = scriptedApi({
    "/api/v1/namespaces/prod/services/mail": {
      body: {
        kind: "Service",
        metadata: { name: "mail", namespace: "prod", resourceVersion: "1" },
        spec: { type: "ExternalName", externalName: "smtp.example" },
      },
    },
  });
  const ctx = { ...pluginContext(), clock: fakeClock(), prefix: Path.read("/#/k") };
  const resolve = async (host: string) => (host === "smtp.example" ? ["10.8.8.8"] : []);
  const namer = createEndpointsNamer({ endpointSlices: true }, ctx, server.api, resolve);
  const tree = observe(namer.lookup(Path.read("/prod/25/mail")).states);
  await settle();
  const addr = observe((leafOf(tree.last()) as Bound).addr);
  await settle();
  const now = addr.last();
  assert.equal(now.tag === "bound" && now.addresses.map(Address.show).join(" "), "10.8.8.8:25");
  addr.close();
  tree.close();
});
