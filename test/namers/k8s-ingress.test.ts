/** Ingress resources of `networking.k8s.io/v1` as names of requests, beyond what the vectors hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Path } from "../../dtab/index.ts";
import { createIngressFeed } from "../../namers/k8s/ingress-feed.ts";
import { createIngressIdentifier } from "../../namers/k8s/ingress-identifier.ts";
import { inOrder, readIngress } from "../../namers/k8s/ingress-rules.ts";
import { pathPattern } from "../../namers/k8s/path-pattern.ts";
import { type RequestView, Unidentified } from "../../plugins/contract.ts";
import { ProxyError } from "../../plugins/errors.ts";
import { fakeClock, settle } from "../kit/clock.ts";
import { recordedLog } from "../kit/log.ts";
import { observe } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { scriptedApi } from "./k8s-api.ts";

interface Rule {
  readonly host?: string;
  /** `Exact /a`, `Prefix /a` or a pattern, and the service that it leads to. */
  readonly paths: Readonly<Record<string, string>>;
}

let versions = 1;
const backend = (name: string) => ({ service: { name, port: { number: 80 } } });
const ingress = (name: string, rules: readonly Rule[], { spec = {}, metadata = {} } = {}) => ({
  kind: "Ingress",
  metadata: { name, namespace: "ns", resourceVersion: String(++versions), ...metadata },
  spec: {
    rules: rules.map(({ host, paths }) => ({
      host,
      http: {
        paths: Object.entries(paths).map(([text, service]) => {
          const [, pathType = "ImplementationSpecific", path] = /^(Exact|Prefix)? ?(.*)$/.exec(text)!;
          return { path, pathType, backend: backend(service) };
        }),
      },
    })),
    ...spec,
  },
});

/** Names requests by these; a service's name, or why there is none. */
function namer(objects: readonly ReturnType<typeof ingress>[], log = recordedLog()) {
  const told = inOrder(objects.flatMap((object) => readIngress(object, "linkerd")));
  const context = { ...pluginContext(), log, dstPrefix: Path.read("/svc"), feed: () => told };
  const identifier = createIngressIdentifier(false, context);
  return (host: string, target: string): string => {
    const request: RequestView = { method: "GET", target, version: "1.1", header: () => host };
    const name = identifier.identify(request);
    return name instanceof Unidentified ? name.reason : name.show().replace("/svc/ns/80/", "");
  };
}
const nothing = "no ingress rule matches";

test("Exact and Prefix are what Kubernetes means by them, and the query does not count", () => {
  const name = namer([
    ingress("a", [{ paths: { "Prefix /a/b/": "deep", "Prefix /a": "a", "Exact /a": "exact" } }]),
  ]);
  assert.equal(name("h", "/a?x=1"), "exact");
  assert.equal(name("h", "/a/"), "a");
  assert.equal(name("h", "/a/b"), "deep");
  assert.equal(name("h", "/a/bc"), "a");
  assert.equal(name("h", "/a/b/c"), "deep");
  assert.equal(name("h", "/ab"), nothing);
});

test("a whole host comes before a wildcard, a wildcard before any, and long before short, whatever the order", () => {
  const name = namer([
    ingress("a", [{ paths: { "Prefix /": "any" } }]),
    ingress("b", [{ host: "*.example.com", paths: { "Prefix /": "wildcard" } }]),
    ingress("c", [{ host: "web.example.com", paths: { "Prefix /": "short", "Prefix /long": "long" } }]),
  ]);
  assert.equal(name("web.example.com", "/x"), "short");
  assert.equal(name("WEB.Example.com:80", "/long/x"), "long");
  assert.equal(name("api.example.com", "/x"), "wildcard");
  assert.equal(name("a.b.example.com", "/x"), "any");
  assert.equal(name("example.com", "/x"), "any");
  assert.equal(name("[::1]:8080", "/x"), "any");
});

test("patterns keep their places among the others", () => {
  const name = namer([
    ingress("a", [{ paths: { "/v[0-9]+/.*": "versioned", "Prefix /": "root", "Prefix /v1": "one" } }]),
  ]);
  assert.equal(name("h", "/v1/x"), "versioned");
  assert.equal(name("h", "/v1"), "one");
  assert.equal(name("h", "/x"), "root");
});

test("the class is that of the annotation or of the key, and an Ingress without one is taken", () => {
  const rules: Rule[] = [{ paths: { "Prefix /": "svc" } }];
  const annotation = (value: string) => ({
    metadata: { annotations: { "kubernetes.io/ingress.class": value } },
  });
  const key = (value: string) => ({ spec: { ingressClassName: value } });
  for (const taken of [{}, annotation("linkerd"), key("linkerd")]) {
    assert.equal(namer([ingress("a", rules, taken)])("h", "/"), "svc");
  }
  for (const left of [annotation("nginx"), key("nginx")]) {
    assert.equal(namer([ingress("a", rules, left)])("h", "/"), nothing);
  }
});

test("the oldest of two that say the same wins, however they came", () => {
  const at = (createdAt: string) => ({ metadata: { creationTimestamp: createdAt } });
  const old = ingress("z", [{ paths: { "/x": "old" } }], at("2024-01-01T00:00:00Z"));
  const young = ingress("a", [{ paths: { "/x": "young" } }], at("2025-01-01T00:00:00Z"));
  assert.equal(namer([young, old])("h", "/x"), "old");
  assert.equal(namer([old, young])("h", "/x"), "old");
});

test("the default backend is named by its port's name too, and one that is no service leads nowhere", () => {
  const spec = { defaultBackend: { service: { name: "rest", port: { name: "http" } } } };
  assert.equal(namer([ingress("a", [], { spec })])("h", "/"), "/svc/ns/http/rest");
  const bucket = { defaultBackend: { resource: { kind: "Bucket", name: "static" } } };
  assert.equal(namer([ingress("a", [], { spec: bucket })])("h", "/"), nothing);
});

test("a pattern that is none, or would not end in time, is left out and told; the others stay", () => {
  const log = recordedLog();
  const name = namer([ingress("a", [{ paths: { "/(": "bad", "/(?=a).*": "look", "/x": "good" } }])], log);
  assert.equal(name("h", "/x"), "good");
  assert.equal(name("h", "/("), nothing);
  assert.deepEqual(log.lines, Array(2).fill("warn: a path of an Ingress cannot be used, and is left out"));
});

test("no pattern takes more than linear time", () => {
  const fits = pathPattern("/(a+)+b");
  const startedAt = performance.now();
  assert.equal(fits(`/${"a".repeat(8_000)}`), false);
  assert.ok(performance.now() - startedAt < 1_000);
  assert.equal(fits("/aaab"), true);
  assert.deepEqual(
    ["/a.*", "/a"].map((text) => pathPattern(text)("/a/b")),
    [true, false],
  );
});

test("before anything is known a request is told to come back, and a change counts from the next request on", () => {
  let told: unknown;
  const context = { ...pluginContext(), dstPrefix: Path.read("/svc"), feed: () => told };
  const identifier = createIngressIdentifier(false, context);
  const request: RequestView = { method: "GET", target: "/", version: "1.1", header: () => "h" };
  assert.throws(
    () => identifier.identify(request),
    (error) => error instanceof ProxyError && error.code === "E_NOT_READY",
  );
  for (const service of ["one", "two"]) {
    told = readIngress(ingress("a", [{ paths: { "": service } }]), "linkerd");
    const name = identifier.identify(request);
    assert.equal(name instanceof Path && name.show(), `/svc/ns/80/${service}`);
  }
});

test("the feed watches one namespace if told so, and an Ingress that makes no sense changes nothing", async () => {
  const target = "/apis/networking.k8s.io/v1/namespaces/ns/ingresses";
  const list = (...items: object[]) => ({
    body: { kind: "IngressList", metadata: { resourceVersion: String(++versions) }, items },
  });
  const server = scriptedApi({ [target]: list(ingress("a", [{ paths: { "/a": "a" } }])) });
  const clock = fakeClock();
  const options = { namespace: "ns", ingressClassAnnotation: "linkerd" };
  const feed = createIngressFeed(options, { ...pluginContext(), clock }, server.api);
  const values = observe(feed.values.states);
  const names = (): unknown => {
    const state = values.last();
    return state.tag === "ok" && (state.value as { name: string }[]).map(({ name }) => name);
  };
  await settle();
  assert.deepEqual(names(), ["a"]);
  assert.match(server.watches[0]!, /^\/apis\/networking.k8s.io\/v1\/namespaces\/ns\/ingresses\?watch=true&/);
  const broken = { ...ingress("b", []), spec: { rules: "none" } };
  server.send("ingresses", `${JSON.stringify({ type: "ADDED", object: broken })}\n`);
  await settle();
  assert.deepEqual(names(), ["a"]);
  server.answers.set(target, list());
  await clock.advance(5_000);
  assert.deepEqual(names(), ["a"]);
  server.answers.set(target, list(ingress("a", []), ingress("c", [])));
  await clock.advance(30_000);
  assert.deepEqual(names(), ["a", "c"]);
  assert.match(JSON.stringify(feed.state?.()), /"streaming":true/);
  values.close();
});
