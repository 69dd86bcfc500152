/**
 * The plugins of Kubernetes in the whole daemon against a real API server, with proxies between them that make faults: one
 * in front of TLS, one in front of what `kubectl proxy` serves, where faults of HTTP can be made too.
 */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { eventually } from "../kit/eventually.ts";
import { type Daemon, endpoint, startDaemon, traffic } from "./daemon.ts";
import { type FaultProxy, faultProxy, type NetworkFault } from "./fault-proxy.ts";
import {
  type Cluster,
  kubectlProxy,
  startCluster,
  storeEndpoints,
  storeSlice,
  type Target,
} from "./kube-cluster.ts";

/** After a fault is over, everything is as it should be within this time. */
const convergeMs = 30_000;
/** How long each fault lasts, under traffic. */
const faultMs = Number(process.env["FAULT_MS"] ?? 6_000);

const folder = mkdtempSync(join(tmpdir(), "pointsman-kube-"));
const account = join(folder, "serviceaccount");
const kubeconfig = join(folder, "kubeconfig");

let cluster: Cluster;
let proxied: Awaited<ReturnType<typeof kubectlProxy>>;
let plain: FaultProxy;
let secure: FaultProxy;
let daemon: Daemon;
let a: Awaited<ReturnType<typeof endpoint>>;
let b: Awaited<ReturnType<typeof endpoint>>;

/** A service found in every way that there is; the names of the ways are hosts. */
const ways = ["slices", "endpoints", "numbered", "pod", "kubeconfig"];

before(async () => {
  cluster = startCluster();
  [a, b] = [await endpoint("a"), await endpoint("b")];
  proxied = await kubectlProxy(cluster);
  plain = await faultProxy(proxied.port);
  secure = await faultProxy(Number(new URL(cluster.of("KUBE_URL")).port));
  cpSync(cluster.of("KUBE_SERVICEACCOUNT"), account, { recursive: true });
  writeKubeconfig(secure.port);
  await cluster.api("POST", "/api/v1/namespaces/default/services", {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { clusterIP: "None", ports: [{ name: "http", port: 80, targetPort: "http" }] },
  });
  daemon = await startDaemon(`
admin: {port: {adminPort}}
namers:
- {kind: io.l5d.k8s, prefix: /plain, host: 127.0.0.1, port: ${plain.port}}
- {kind: io.l5d.k8s, prefix: /old, host: 127.0.0.1, port: ${plain.port}, endpointSlices: false}
- {kind: io.l5d.k8s, prefix: /pod, host: 127.0.0.1, port: ${secure.port}, serviceAccount: ${account}}
- {kind: io.l5d.k8s, prefix: /conf, kubeconfig: ${kubeconfig}, context: reader}
routers:
- protocol: http
  dtab: |
    /svc => /#/plain/default/http ;
    /svc/slices => /#/plain/default/http/web ;
    /svc/endpoints => /#/old/default/http/web ;
    /svc/numbered => /#/plain/default/80/web ;
    /svc/pod => /#/pod/default/http/web ;
    /svc/kubeconfig => /#/conf/default/http/web ;
  bindingTimeoutMs: 5000
  servers:
  - port: {port}
`);
});

after(async () => {
  await daemon?.stop();
  for (const each of [plain, secure, proxied, a, b]) each?.close();
  cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The test's kubeconfig, which leads through a proxy. */
function writeKubeconfig(port: number): void {
  const text = readFileSync(cluster.of("KUBE_CONFIG"), "utf8");
  writeFileSync(kubeconfig, text.replace(cluster.of("KUBE_URL"), `https://127.0.0.1:${port}`));
}

/** The endpoints of a service: as Endpoints, and as a slice. */
async function serve(service: string, ...targets: readonly Target[]): Promise<void> {
  await storeEndpoints(cluster, service, targets);
  await storeSlice(cluster, service, targets);
}

/** Waits until hosts are answered by one endpoint alone, several times in a row. */
const answeredBy = (hosts: readonly string[], name: string, timeoutMs: number, by = daemon): Promise<void> =>
  eventually(async () => {
    for (let i = 0; i < 5; i++) {
      for (const host of hosts) assert.deepEqual(await by.ask(host), { status: 200, body: name }, host);
    }
  }, timeoutMs);

/** Traffic to every way while `work` is done, of which no request may fail. */
async function underTraffic(work: () => Promise<void>): Promise<void> {
  const flows = ways.map((host) => ({ host, flow: traffic(daemon, host) }));
  try {
    await work();
  } finally {
    for (const { flow } of flows) flow.stop();
  }
  for (const { host, flow } of flows) assert.deepEqual(flow.failures, [], host);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What changed by then reaches every way in time. */
async function converges(t: TestContext): Promise<void> {
  const healedAt = Date.now();
  await answeredBy(ways, "b", convergeMs);
  t.diagnostic(`converged ${((Date.now() - healedAt) / 1000).toFixed(1)} s after the fault`);
}

test("endpoints come, change and go", async () => {
  for (const host of [...ways, "late"]) assert.equal((await daemon.ask(host)).status, 502, host);
  await serve("web", a);
  await answeredBy(ways, "a", 5_000);
  await serve("web", b);
  await answeredBy(ways, "b", 5_000);
  await serve("late", a);
  await answeredBy(["late"], "a", 5_000);
  await cluster.api("DELETE", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/late-1");
  await eventually(async () => assert.equal((await daemon.ask("late")).status, 502));
});

const answer = (body: string, head = "200 OK"): NetworkFault => ({
  answer: `HTTP/1.1 ${head}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n${body}`,
});
const empty = (kind: string): NetworkFault =>
  answer(JSON.stringify({ kind, metadata: { resourceVersion: "999999" }, items: [] }));

/** Those of HTTP reach only what goes through `kubectl proxy`: TLS does not let them pass. */
const faults: Readonly<Record<string, NetworkFault>> = {
  "connections are reset": "reset",
  "packets vanish": "black hole",
  "answers trickle": "trickle",
  "it answers 500": answer('{"kind":"Status","code":500}', "500 Internal Server Error"),
  "it answers 401": answer('{"kind":"Status","code":401}', "401 Unauthorized"),
  "it answers 410": answer('{"kind":"Status","code":410}', "410 Gone"),
  "it answers 404, but not as the API does": answer("404 page not found", "404 Not Found"),
  "it answers 200 with garbage": answer("<html>please log in</html>"),
  "it answers 200 with truncated JSON": answer('{"kind":"EndpointSliceList","metadata":{"resou'),
  "it answers with an empty list": empty("EndpointSliceList"),
};

for (const [title, fault] of Object.entries(faults)) {
  test(`no request fails while ${title}, and what changed is found out`, { timeout: 120_000 }, async (t) => {
    await serve("web", a);
    await answeredBy(ways, "a", convergeMs);
    await underTraffic(async () => {
      for (const proxy of [plain, secure]) proxy.set(fault);
      await pause(faultMs);
      await serve("web", b);
      await pause(faultMs / 2);
      for (const proxy of [plain, secure]) proxy.set("none");
      await converges(t);
    });
  });
}

test("no request fails while the API server is restarted, and watches go on", {
  timeout: 120_000,
}, async (t) => {
  await serve("web", a);
  await answeredBy(ways, "a", convergeMs);
  await underTraffic(async () => {
    cluster.restart("kube-apiserver");
    await serve("web", b);
    await converges(t);
  });
});

test("what changed while the API server was gone is found out though its history was compacted away", {
  timeout: 120_000,
}, async (t) => {
  await serve("web", a);
  await answeredBy(ways, "a", convergeMs);
  await underTraffic(async () => {
    for (const proxy of [plain, secure]) proxy.set("reset");
    await serve("web", b);
    const { header } = (await etcd("range", { key: Buffer.from("/").toString("base64") })) as {
      header: { revision: string };
    };
    await etcd("compaction", { revision: header.revision, physical: true }, "");
    cluster.restart("kube-apiserver");
    await eventually(() => cluster.api("GET", "/readyz"), 30_000);
    for (const proxy of [plain, secure]) proxy.set("none");
    await converges(t);
  });
});

/** Asks etcd itself. */
async function etcd(method: string, body: object, service = "/"): Promise<unknown> {
  const path = method === "compaction" ? "kv/compaction" : `kv${service}${method}`;
  const response = await fetch(`${cluster.of("KUBE_ETCD")}/v3/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  assert.ok(response.ok, method);
  return response.json();
}

test("a kubeconfig that names another port is followed", { timeout: 60_000 }, async (t) => {
  await serve("web", a);
  await answeredBy(ways, "a", convergeMs);
  const moved = await faultProxy(Number(new URL(cluster.of("KUBE_URL")).port));
  try {
    await underTraffic(async () => {
      writeKubeconfig(moved.port);
      secure.set("reset");
      await serve("web", b);
      await eventually(async () => assert.equal((await daemon.ask("kubeconfig")).body, "b"), convergeMs);
      assert.ok(moved.connections().now > 0);
      secure.set("none");
      await converges(t);
    });
  } finally {
    writeKubeconfig(secure.port);
    moved.close();
  }
});

test("a token that runs out takes nothing away, and a rotated one counts at once", {
  timeout: 120_000,
}, async () => {
  await serve("web", a);
  await answeredBy(ways, "a", convergeMs);
  const [core, rbac] = ["/api/v1/namespaces/default/serviceaccounts", "/apis/rbac.authorization.k8s.io/v1"];
  await cluster.api("POST", core, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "l5d" } });
  await cluster.api("POST", `${rbac}/clusterrolebindings`, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "l5d" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "reader" },
    subjects: [{ kind: "ServiceAccount", name: "l5d", namespace: "default" }],
  });
  const { status } = JSON.parse(
    await cluster.api("POST", `${core}/l5d/token`, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {},
    }),
  ) as { status: { token: string } };
  await underTraffic(async () => {
    writeFileSync(join(account, "token"), "has-run-out");
    // The watch that is open goes on until it ends: end it.
    secure.set("reset");
    await pause(500);
    secure.set("none");
    await eventually(
      async () => assert.match(await daemon.admin("/namer_state/pod.json"), /status 401/),
      15_000,
    );
    await serve("web", b);
    await answeredBy(["slices"], "b", convergeMs);
    assert.equal((await daemon.ask("pod")).body, "a");
    writeFileSync(join(account, "token"), status.token);
    await answeredBy(["pod"], "b", convergeMs);
  });
});

test("an API server that is away at the start is found when it comes", { timeout: 60_000 }, async (t) => {
  plain.set("reset");
  const late = await startDaemon(`
admin: {port: {adminPort}}
namers:
- {kind: io.l5d.k8s, host: 127.0.0.1, port: ${plain.port}}
routers:
- protocol: http
  dtab: /svc => /#/io.l5d.k8s/default/http
  bindingTimeoutMs: 1000
  servers:
  - port: {port}
`);
  try {
    assert.equal((await late.ask("web")).status, 502);
    plain.set("none");
    const healedAt = Date.now();
    await answeredBy(["web"], "b", convergeMs, late);
    t.diagnostic(`converged ${((Date.now() - healedAt) / 1000).toFixed(1)} s after the fault`);
  } finally {
    plain.set("none");
    await late.stop();
  }
});

test("an Ingress names requests and the dtab of a ConfigMap leads them on, as both change", {
  timeout: 60_000,
}, async () => {
  await serve("web", a);
  await serve("other", b);
  const ingresses = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
  const path = (service: string) => ({
    path: "/",
    pathType: "Prefix",
    backend: { service: { name: service, port: { name: "http" } } },
  });
  const ingress = (service: string) => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "shop" },
    spec: {
      ingressClassName: "linkerd",
      rules: [{ host: "shop.example.com", http: { paths: [path(service)] } }],
    },
  });
  const configMaps = "/api/v1/namespaces/default/configmaps";
  const configMap = (dtab: string) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "dtabs" },
    data: { "web.dtab": dtab },
  });
  const yaml = `
admin: {port: {adminPort}}
stateDir: ${join(folder, "state")}
namers:
- {kind: io.l5d.k8s, host: 127.0.0.1, port: ${plain.port}}
routers:
- protocol: http
  label: edge
  identifier: {kind: io.l5d.ingress, host: 127.0.0.1, port: ${plain.port}}
  interpreter:
    kind: io.l5d.k8s.configMap
    experimental: true
    kubeconfig: ${kubeconfig}
    context: admin
    name: dtabs
    filename: web.dtab
  servers:
  - port: {port}
`;
  let edge = await startDaemon(yaml);
  const ask = async () => (await edge.ask("shop.example.com")).status;
  try {
    assert.equal(await ask(), 400);
    await cluster.api("POST", ingresses, ingress("web"));
    await eventually(async () => assert.equal(await ask(), 502));
    await cluster.api("POST", configMaps, configMap("/svc => /#/io.l5d.k8s"));
    await answeredBy(["shop.example.com"], "a", 5_000, edge);
    await cluster.api("PUT", `${ingresses}/shop`, ingress("other"));
    await answeredBy(["shop.example.com"], "b", 5_000, edge);
    // Neither a dtab that is none nor an API server that is away changes anything.
    await cluster.api("PUT", `${configMaps}/dtabs`, configMap("/svc ==> oops"));
    const state = () => edge.admin("/edge/interpreter_state/io.l5d.k8s.configMap.json");
    await eventually(async () => assert.match(await state(), /web\.dtab:1:7/));
    for (const proxy of [plain, secure]) proxy.set("reset");
    await pause(2_000);
    assert.deepEqual(await edge.ask("shop.example.com"), { status: 200, body: "b" });
    await cluster.api(
      "PUT",
      `${configMaps}/dtabs`,
      configMap("/svc => /#/io.l5d.k8s ; /svc/default/http/other => /#/io.l5d.k8s/default/http/web"),
    );
    for (const proxy of [plain, secure]) proxy.set("none");
    await answeredBy(["shop.example.com"], "a", convergeMs, edge);
    assert.match(await edge.admin("/edge/identifier_state/io.l5d.ingress.json"), /shop\.example\.com/);
    // All of it is known again after a start without the API server.
    await edge.stop();
    for (const proxy of [plain, secure]) proxy.set("reset");
    edge = await startDaemon(yaml);
    assert.deepEqual(await edge.ask("shop.example.com"), { status: 200, body: "a" });
    for (const proxy of [plain, secure]) proxy.set("none");
    await cluster.api("DELETE", `${ingresses}/shop`);
    // Gone in a list, if the watch is not open again yet, it is looked for once more.
    await eventually(async () => assert.equal(await ask(), 400), convergeMs);
  } finally {
    for (const proxy of [plain, secure]) proxy.set("none");
    await edge.stop();
  }
});

test("requests go to the daemon on the endpoint's node, and from there to the endpoints of the node", {
  timeout: 60_000,
}, async () => {
  const daemons = "l5d";
  await storeSlice(cluster, daemons, [{ ...a, nodeName: "n1" }]);
  await storeSlice(cluster, daemons, [{ ...b, nodeName: "n2" }], { part: 2 });
  await storeSlice(cluster, "pods", [{ port: 1, nodeName: "n2" }]);
  await storeSlice(cluster, "both", [{ ...a, nodeName: "n1" }]);
  await storeSlice(cluster, "both", [{ ...b, nodeName: "n2" }], { part: 2 });
  process.env["NODE_NAME"] = "n1";
  const api = `host: 127.0.0.1, port: ${plain.port}`;
  const node = await startDaemon(`
admin: {port: {adminPort}}
namers:
- kind: io.l5d.k8s
  prefix: /out
  host: 127.0.0.1
  port: ${plain.port}
  transformers:
  - {kind: io.l5d.k8s.daemonset, namespace: default, service: ${daemons}, port: http, hostNetwork: true, k8sHost: 127.0.0.1, k8sPort: ${plain.port}}
- {kind: io.l5d.k8s, prefix: /in, ${api}, transformers: [{kind: io.l5d.k8s.localnode, hostNetwork: true}]}
routers:
- protocol: http
  dtab: |
    /svc/out => /#/out/default/http/pods ;
    /svc/in => /#/in/default/http/both ;
  servers:
  - port: {port}
`);
  try {
    await answeredBy(["out"], "b", 5_000, node);
    await answeredBy(["in"], "a", 5_000, node);
    await storeSlice(cluster, "pods", [{ port: 1, nodeName: "n1" }]);
    await answeredBy(["out"], "a", 5_000, node);
    await storeSlice(cluster, daemons, [{ ...b, nodeName: "n1" }]);
    await answeredBy(["out"], "b", 5_000, node);
    await storeSlice(cluster, "both", [{ ...b, nodeName: "n1" }]);
    await answeredBy(["in"], "b", 5_000, node);
  } finally {
    delete process.env["NODE_NAME"];
    await node.stop();
  }
});
