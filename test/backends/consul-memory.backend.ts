/** A real Consul agent that is away at the start, or comes back without its memory, and a daemon that has one. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "../kit/eventually.ts";
import { type Daemon, endpoint, startDaemon, traffic } from "./daemon.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const stateDir = mkdtempSync(join(tmpdir(), "pointsman-state-"));

let consul: { readonly url: string; readonly dir: string };
let servers: Awaited<ReturnType<typeof endpoint>>[];
let daemon: Daemon | undefined;

before(async () => {
  const out = execFileSync(`${here}start-consul.sh`, [], { encoding: "utf8" });
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(out)![1]!;
  consul = { url: value("CONSUL_URL"), dir: value("CONSUL_DIR") };
  servers = await Promise.all(["a", "b", "c", "d"].map(endpoint));
  await register();
});

after(async () => {
  await daemon?.stop();
  for (const server of servers) server.close();
  execFileSync(`${here}stop.sh`, ["--rm", consul.dir]);
  rmSync(stateDir, { recursive: true, force: true });
});

const start = async (): Promise<Daemon> =>
  (daemon = await startDaemon(`
admin: {port: {adminPort}}
stateDir: ${stateDir}
namers:
- kind: io.l5d.consul
  host: 127.0.0.1
  port: ${new URL(consul.url).port}
  waitSeconds: 5
  distrustAfterSeconds: 8
routers:
- protocol: http
  dtab: /svc => /#/io.l5d.consul/dc1
  bindingTimeoutMs: 2000
  servers:
  - port: {port}
`));

async function put(path: string, body: unknown): Promise<void> {
  const { ok, status } = await fetch(consul.url + path, { method: "PUT", body: JSON.stringify(body) });
  assert.ok(ok, `${path}: ${status}`);
}

/** Four instances of web, each on a node of its own. */
async function register(): Promise<void> {
  for (const [i, { port }] of servers.entries()) {
    const Service = { ID: `web-${i}`, Service: "web", Address: "127.0.0.1", Port: port };
    await put("/v1/catalog/register", { Node: `n${i}`, Address: "127.0.0.1", Service });
  }
}

const killConsul = (): void => {
  process.kill(Number(readFileSync(`${consul.dir}/consul.pid`, "utf8")), "SIGKILL");
};

/** Starts it again: it is a server without a disk, and remembers nothing. */
const restartConsul = (): void => {
  execFileSync(`${here}restart.sh`, [consul.dir, "consul"]);
};

/** Who answers of forty requests. */
async function answers(): Promise<string> {
  const all = await Promise.all(Array.from({ length: 40 }, () => daemon!.ask("web")));
  return [...new Set(all.map(({ status, body }) => (status === 200 ? body : String(status))))]
    .sort()
    .join("");
}

const nameState = async (): Promise<Record<string, unknown>> =>
  JSON.parse(await daemon!.admin("/namer_state/io.l5d.consul.json")).names["dc1/web"];

const metric = async (name: string): Promise<number> =>
  JSON.parse(await daemon!.admin("/admin/metrics.json"))[`namer/#/io.l5d.consul/${name}`] ?? 0;

test("a daemon that starts while Consul is away serves what it knew, and tells how old it is", async () => {
  await start();
  await eventually(async () => assert.equal(await answers(), "abcd"));
  await eventually(() => assert.ok(existsSync(`${stateDir}/discovery.snapshot`)), 15_000);
  const killedAt = Date.now();
  await daemon!.kill();
  killConsul();
  await start();
  assert.equal(await answers(), "abcd");
  const { restored, ageSeconds } = await nameState();
  assert.equal(restored, true);
  assert.ok(Number(ageSeconds) * 1000 > Date.now() - killedAt, `${ageSeconds} s`);
  assert.ok((await metric("name/dc1/web/discovery_age_seconds")) > 0);
});

test("a Consul that comes back without its memory takes away no endpoint that answers", async () => {
  const load = traffic(daemon!, "web");
  try {
    await eventually(async () => assert.equal((await nameState())["distrusted"], true), 20_000);
    restartConsul();
    await eventually(async () => assert.equal((await nameState())["state"], "absent"), 60_000);
    assert.equal(await metric("discovery_held"), 1);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    servers[0]!.close();
    await eventually(async () => assert.equal(await answers(), "bcd"));
    servers[0] = await endpoint("a");
    await register();
    await eventually(async () => assert.equal(await answers(), "abcd"), 30_000);
  } finally {
    load.stop();
  }
  assert.deepEqual(load.failures, []);
});

test("instances that are all deregistered at once are gone within ten seconds", async (t) => {
  await daemon!.stop();
  rmSync(stateDir, { recursive: true });
  await start();
  await eventually(async () => assert.equal(await answers(), "abcd"), 30_000);
  const ids = servers.map((_, i) => ({ Catalog: "deregister", id: `n${i}` }));
  const startedAt = Date.now();
  const operations = ids.map(({ id }) => ({ Node: { Verb: "delete", Node: { Node: id } } }));
  await put("/v1/txn", operations);
  await eventually(async () => assert.equal((await nameState())["state"], "absent"), 10_000);
  t.diagnostic(`gone after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  assert.ok(Date.now() - startedAt > 3_000, "it was held and confirmed");
  assert.equal(await answers(), "502");
});
