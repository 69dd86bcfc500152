/** `io.l5d.consul` in the whole daemon against a real Consul agent, with a proxy between them that makes faults. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "../kit/eventually.ts";
import { seededRandom } from "../kit/random.ts";
import { type Daemon, endpoint, startDaemon, traffic } from "./daemon.ts";
import { type FaultProxy, faultProxy, type NetworkFault } from "./fault-proxy.ts";
import { flood } from "./flood.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
/** After a fault is over, everything is as it should be within this time. */
const convergeMs = 30_000;
/** How long each fault lasts, under traffic. */
const faultMs = Number(process.env["FAULT_MS"] ?? 6_000);

let consul: { readonly url: string; readonly dir: string };
let proxy: FaultProxy;
let daemon: Daemon;
let a: Awaited<ReturnType<typeof endpoint>>;
let b: Awaited<ReturnType<typeof endpoint>>;

/** Starts an agent with nothing in it. */
function startConsul(...flags: readonly string[]): { readonly url: string; readonly dir: string } {
  const out = execFileSync(`${here}start-consul.sh`, flags, { encoding: "utf8" });
  const value = (key: string): string => new RegExp(`^${key}=(.*)$`, "m").exec(out)![1]!;
  return { url: value("CONSUL_URL"), dir: value("CONSUL_DIR") };
}

before(async () => {
  consul = startConsul("--keep");
  [a, b] = [await endpoint("a"), await endpoint("b")];
  proxy = await faultProxy(Number(new URL(consul.url).port));
  daemon = await startDaemon(`
# A worker that joins would count as memory that grows.
workers: 1
admin: {port: {adminPort}}
namers:
- kind: io.l5d.consul
  host: 127.0.0.1
  port: ${proxy.port}
  useHealthCheck: true
telemetry:
- kind: io.l5d.prometheus
routers:
- protocol: http
  dtab: /svc => /#/io.l5d.consul/.local
  bindingTimeoutMs: 2000
  servers:
  - port: {port}
`);
});

after(async () => {
  await daemon?.stop();
  proxy?.close();
  a?.close();
  b?.close();
  if (consul !== undefined) execFileSync(`${here}stop.sh`, ["--rm", consul.dir]);
});

/** Registers, or registers anew. */
async function register(
  service: string,
  id: string,
  { port }: { readonly port: number },
  url = consul.url,
): Promise<void> {
  const check = { TTL: "3600s", Status: "passing" };
  const body = JSON.stringify({ Name: service, ID: id, Address: "127.0.0.1", Port: port, Check: check });
  await put("/v1/agent/service/register", body, url);
  // Only what was told to the check survives a crash of the agent.
  await put(`/v1/agent/check/pass/service:${id}`, "", url);
}

async function put(path: string, body = "", url = consul.url): Promise<void> {
  const { ok, status } = await fetch(url + path, { method: "PUT", body });
  assert.ok(ok, `${path}: ${status}`);
}

/** Waits until a host is answered by one endpoint alone, several times in a row. */
const answeredBy = (host: string, name: string, timeoutMs: number): Promise<void> =>
  eventually(async () => {
    for (let i = 0; i < 5; i++) assert.deepEqual(await daemon.ask(host), { status: 200, body: name });
  }, timeoutMs);

/** What the daemon's Prometheus page tells of a name's age. */
async function age(service: string): Promise<number> {
  const page = await daemon.admin("/admin/metrics/prometheus");
  const line = page
    .split("\n")
    .find((each) => each.startsWith("discovery_age_seconds{") && each.includes(`".local/${service}"`));
  assert.ok(line !== undefined, "no age");
  return Number(line.split(" ").at(-1));
}

test("instances come, change, fail their checks and go", async () => {
  assert.equal((await daemon.ask("web")).status, 502);
  await register("web", "web-1", a);
  await answeredBy("web", "a", 5_000);
  await register("web", "web-2", b);
  await eventually(async () => {
    const bodies = await Promise.all(Array.from({ length: 20 }, () => daemon.ask("web")));
    assert.deepEqual([...new Set(bodies.map(({ body }) => body))].sort(), ["a", "b"]);
  });
  await put("/v1/agent/check/fail/service:web-1");
  await answeredBy("web", "b", 5_000);
  await put("/v1/agent/check/pass/service:web-1");
  await put("/v1/agent/service/deregister/web-2");
  await answeredBy("web", "a", 5_000);
  await register("web", "web-1", b);
  await answeredBy("web", "b", 5_000);
  await put("/v1/agent/service/deregister/web-1");
  await eventually(async () => assert.equal((await daemon.ask("web")).status, 502));
});

const ok = (body: string, headers = ""): NetworkFault => ({
  answer: `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n${headers}\r\n${body}`,
});

const faults: Readonly<Record<string, NetworkFault>> = {
  "connections are reset": "reset",
  "packets vanish": "black hole",
  "answers trickle": "trickle",
  "it answers 500": {
    answer: "HTTP/1.1 500 Oops\r\nContent-Length: 17\r\nConnection: close\r\n\r\nNo cluster leader",
  },
  "it answers 200 with garbage": ok("<html>please log in</html>", "X-Consul-Index: 3\r\n"),
  "it answers 200 with truncated JSON": ok('[{"Node":{"Address":"127.0', "X-Consul-Index: 3\r\n"),
  "it answers 200 with nothing": ok("", "X-Consul-Index: 3\r\n"),
  "it answers with an empty list and no index": ok("[]"),
};

for (const [title, fault] of Object.entries(faults)) {
  test(`no request fails while ${title}, and what changed meanwhile is known within 30 s after it`, async (t) => {
    await register("web", "web-1", a);
    await answeredBy("web", "a", convergeMs);
    const load = traffic(daemon, "web");
    try {
      proxy.set(fault);
      await new Promise((resolve) => setTimeout(resolve, faultMs / 2));
      await register("web", "web-1", b);
      await new Promise((resolve) => setTimeout(resolve, faultMs / 2));
      assert.deepEqual([...new Set(load.bodies.slice(-20))], ["a"], "the fault lets nothing through");
      proxy.set("none");
      const healedAt = Date.now();
      await answeredBy("web", "b", convergeMs);
      t.diagnostic(`converged ${((Date.now() - healedAt) / 1000).toFixed(1)} s after the fault`);
    } finally {
      proxy.set("none");
      load.stop();
    }
    assert.deepEqual(load.failures, []);
    assert.ok(load.bodies.length > faultMs / 100, `${load.bodies.length} answers`);
  });
}

test("no request fails while the agent crashes and comes back, and its age rises and falls", async () => {
  await register("web", "web-1", a);
  await answeredBy("web", "a", convergeMs);
  const load = traffic(daemon, "web");
  try {
    process.kill(Number(readFileSync(`${consul.dir}/consul.pid`, "utf8")), "SIGKILL");
    await eventually(async () => assert.ok((await age("web")) > 8), 20_000);
    execFileSync(`${here}restart.sh`, [consul.dir, "consul"]);
    await eventually(async () => assert.ok((await age("web")) < 5), convergeMs + 10_000);
    await eventually(() => register("web", "web-1", b), 10_000);
    await answeredBy("web", "b", convergeMs);
  } finally {
    load.stop();
  }
  assert.deepEqual(load.failures, []);
});

test("a Consul that is away at start is found when it comes", async () => {
  proxy.set("reset");
  await register("late", "late-1", a);
  assert.equal((await daemon.ask("late")).status, 502);
  proxy.set("none");
  await answeredBy("late", "a", convergeMs);
});

/** A figure of the daemon's metrics. */
async function metric(name: string): Promise<number> {
  const all = JSON.parse(await daemon.admin("/admin/metrics.json")) as Readonly<Record<string, number>>;
  return all[name] ?? 0;
}

const scanned = Number(process.env["SCAN_REQUESTS"] ?? 100_000);
const settled = (ms: number): Promise<false> => new Promise((resolve) => setTimeout(resolve, ms, false));
const residentMb = async (): Promise<number> => (await metric("jvm/mem/current/used")) / 2 ** 20;

test("a scan of random names keeps within its connections and lookups, and memory stays flat", async (t) => {
  await register("web", "web-1", a);
  await answeredBy("web", "a", convergeMs);
  const before = { lookups: await metric("namer/#/io.l5d.consul/discovery_rounds"), at: Date.now() };
  const random = seededRandom(1);
  const scan = flood(daemon.port, scanned, () => `random-${random().toString(36).slice(2)}`);
  let early = 0;
  for (let over = false; !over; ) {
    // The real service is served all the while.
    assert.deepEqual(await daemon.ask("web"), { status: 200, body: "a" });
    // Caches are full by then.
    if (early === 0 && scan.done() >= scanned / 2) early = await residentMb();
    over = await Promise.race([scan.over.then(() => true), settled(200)]);
  }
  const seconds = (Date.now() - before.at) / 1000;
  const lookups = (await metric("namer/#/io.l5d.consul/discovery_rounds")) - before.lookups;
  const late = await residentMb();
  const { most } = proxy.connections();
  t.diagnostic(
    `${scanned} requests in ${seconds.toFixed(0)} s: ${most} connections at most, ${lookups} lookups, ` +
      `${early.toFixed(0)} MB after half of them, ${late.toFixed(0)} MB at the end`,
  );
  assert.deepEqual([...scan.answers.keys()], ["502"]);
  assert.ok(most <= 100, `${most} connections`);
  // The burst, 100 new names a second, and what ten turns a second ask of absent names anew.
  assert.ok(lookups <= 1_000 + 200 * seconds, `${lookups} lookups in ${seconds} s`);
  assert.ok(late - early < 20, `${early} MB became ${late} MB`);
});

test("no request fails while Consul comes back on a new port, with nothing of what it knew and a lower index", async () => {
  await register("web", "web-1", a);
  await answeredBy("web", "a", convergeMs);
  for (let i = 0; i < 50; i++) await register("other", "other-1", i % 2 === 0 ? a : b);
  const load = traffic(daemon, "web");
  const fresh = startConsul();
  try {
    await register("web", "web-1", b, fresh.url);
    proxy.moveTo(Number(new URL(fresh.url).port));
    await answeredBy("web", "b", convergeMs);
    await register("web", "web-1", a, fresh.url);
    await answeredBy("web", "a", 5_000);
  } finally {
    load.stop();
    execFileSync(`${here}stop.sh`, ["--rm", fresh.dir]);
  }
  assert.deepEqual(load.failures, []);
});
