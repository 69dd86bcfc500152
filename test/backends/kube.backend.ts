/** `io.l5d.k8s` in the whole daemon against a real API server, with a proxy between them that makes faults. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type RequestOptions, request } from "node:https";
import { after, before, test } from "node:test";
import { eventually } from "../kit/eventually.ts";
import { type Daemon, endpoint, startDaemon, traffic } from "./daemon.ts";
import { type FaultProxy, faultProxy, type NetworkFault } from "./fault-proxy.ts";

const here = new URL(".", import.meta.url).pathname;
/** After a fault is over, everything is as it should be within this time. */
const convergeMs = 30_000;
/** How long each fault lasts, under traffic. */
const faultMs = Number(process.env["FAULT_MS"] ?? 6_000);

let kube: ReadonlyMap<string, string>;
let proxy: FaultProxy;
let daemon: Daemon;
let a: Awaited<ReturnType<typeof endpoint>>;
let b: Awaited<ReturnType<typeof endpoint>>;

before(async () => {
  const out = execFileSync(`${here}start-kube.sh`, { encoding: "utf8" });
  kube = new Map(
    out
      .trim()
      .split("\n")
      .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  [a, b] = [await endpoint("a"), await endpoint("b")];
  proxy = await faultProxy(Number(new URL(of("KUBE_URL")).port));
  const namer = (prefix: string, slices: boolean): string => `
- kind: io.l5d.k8s
  prefix: ${prefix}
  host: 127.0.0.1
  port: ${proxy.port}
  serviceAccount: ${of("KUBE_SERVICEACCOUNT")}
  endpointSlices: ${slices}`;
  daemon = await startDaemon(`
admin: {port: {adminPort}}
namers:${namer("/endpoints", false)}${namer("/slices", true)}
routers:
- protocol: http
  dtab: |
    /svc => /#/endpoints/default/http ;
    /svc/numbered => /#/endpoints/default/80/web ;
    /svc/sliced => /#/slices/default/http/web ;
    /svc/sliced-late => /#/slices/default/http/late ;
  bindingTimeoutMs: 5000
  servers:
  - port: {port}
`);
});

after(async () => {
  await daemon?.stop();
  proxy?.close();
  a?.close();
  b?.close();
  if (kube !== undefined) execFileSync(`${here}stop.sh`, ["--rm", of("KUBE_DIR")]);
});

const of = (key: string): string => kube.get(key) ?? assert.fail(`start-kube.sh printed no ${key}`);

/** Asks the API as its administrator. */
const api = (method: string, path: string, body?: object): Promise<string> =>
  new Promise((resolve, reject) => {
    const options: RequestOptions = {
      method,
      ca: readFileSync(of("KUBE_CA")),
      headers: { authorization: `Bearer ${of("KUBE_ADMIN_TOKEN")}`, "content-type": "application/json" },
    };
    const sent = request(of("KUBE_URL") + path, options, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () =>
        (response.statusCode ?? 500) < 300 ? resolve(text) : reject(new Error(`${path}: ${text}`)),
      );
    });
    sent.on("error", reject);
    sent.end(body && JSON.stringify(body));
  });

type Target = { readonly port: number };

/** Writes into etcd what the API refuses: addresses of the loopback. */
async function store(key: string, value: object): Promise<void> {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const { ok } = await fetch(`${of("KUBE_ETCD")}/v3/kv/put`, {
    method: "POST",
    body: JSON.stringify({ key: base64(`/registry/${key}`), value: base64(JSON.stringify(value)) }),
  });
  assert.ok(ok, key);
}

const metadata = (name: string, labels: Record<string, string> = {}) => ({
  name,
  namespace: "default",
  labels,
  uid: `00000000-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(0, 12)}`,
  creationTimestamp: "2026-01-01T00:00:00Z",
});

/** The endpoints of a service: as Endpoints, one subset for each port, and as a slice each. */
async function serve(service: string, ...targets: readonly Target[]): Promise<void> {
  const subsets = targets.map(({ port }) => ({
    addresses: [{ ip: "127.0.0.1" }],
    ports: [{ name: "http", port, protocol: "TCP" }],
  }));
  const kind = { apiVersion: "v1", kind: "Endpoints" };
  await store(`services/endpoints/default/${service}`, { ...kind, metadata: metadata(service), subsets });
  await store(`endpointslices/default/${service}-1`, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: metadata(`${service}-1`, { "kubernetes.io/service-name": service }),
    addressType: "IPv4",
    endpoints: targets.length === 0 ? [] : [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
    ports: [{ name: "http", port: targets.at(-1)?.port ?? 1, protocol: "TCP" }],
  });
}

/** Waits until hosts are answered by one endpoint alone, several times in a row. */
const answeredBy = (hosts: readonly string[], name: string, timeoutMs: number): Promise<void> =>
  eventually(async () => {
    for (let i = 0; i < 5; i++) {
      for (const host of hosts) assert.deepEqual(await daemon.ask(host), { status: 200, body: name });
    }
  }, timeoutMs);

const web = ["web", "sliced"];

test("endpoints come, change and go", async () => {
  for (const host of [...web, "late", "sliced-late"])
    assert.equal((await daemon.ask(host)).status, 502, host);
  await serve("web", a);
  await answeredBy(web, "a", 5_000);
  await serve("web", b);
  await answeredBy(web, "b", 5_000);
  await serve("late", a);
  await answeredBy(["late", "sliced-late"], "a", 5_000);
  await api("DELETE", "/api/v1/namespaces/default/endpoints/late");
  await api("DELETE", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/late-1");
  await eventually(async () => {
    for (const host of ["late", "sliced-late"]) assert.equal((await daemon.ask(host)).status, 502, host);
  });
});

test("a number goes through the ports of the service", async () => {
  assert.equal((await daemon.ask("numbered")).status, 502);
  await api("POST", "/api/v1/namespaces/default/services", {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { clusterIP: "None", ports: [{ name: "http", port: 80, targetPort: "http" }] },
  });
  await answeredBy(["numbered"], "b", 5_000);
});

const faults: Readonly<Record<string, NetworkFault>> = {
  "connections are reset": "reset",
  "packets vanish": "black hole",
  "answers trickle": "trickle",
  "somebody answers garbage": { answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]" },
};

for (const [title, fault] of Object.entries(faults)) {
  test(`${title}: no request fails, and what changed meanwhile is found out`, {
    timeout: 120_000,
  }, async () => {
    await serve("web", a);
    await answeredBy(web, "a", convergeMs);
    const flows = web.map((host) => traffic(daemon, host));
    try {
      proxy.set(fault);
      await new Promise((resolve) => setTimeout(resolve, faultMs));
      await serve("web", b);
      await new Promise((resolve) => setTimeout(resolve, faultMs / 2));
      proxy.set("none");
      const healedAt = Date.now();
      await answeredBy(web, "b", convergeMs);
      console.log(`${title}: converged after ${((Date.now() - healedAt) / 1000).toFixed(1)} s`);
    } finally {
      for (const flow of flows) flow.stop();
    }
    for (const { failures } of flows) assert.deepEqual(failures, []);
  });
}

test("the API server is restarted: no request fails, and watches go on", { timeout: 120_000 }, async () => {
  await serve("web", a);
  await answeredBy(web, "a", convergeMs);
  const flows = web.map((host) => traffic(daemon, host));
  try {
    execFileSync(`${here}restart.sh`, [of("KUBE_DIR"), "kube-apiserver"], { stdio: "ignore" });
    await serve("web", b);
    await answeredBy(web, "b", convergeMs);
  } finally {
    for (const flow of flows) flow.stop();
  }
  for (const { failures } of flows) assert.deepEqual(failures, []);
});
