/** `io.l5d.serversets` against an ensemble of three: a leader that dies, and many members over rolling restarts. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { eventually } from "../kit/eventually.ts";
import { type Daemon, endpoint, startDaemon, traffic } from "./daemon.ts";
import {
  ask,
  killServer,
  type Registrar,
  registrar,
  restartServer,
  type Servers,
  startServers,
  watchesOf,
} from "./zookeeper.ts";

const convergeMs = 30_000;
const sets = 500;
const membersEach = 10;
/** Five are the whole of it, three minutes. */
const rounds = Number(process.env["ROUNDS"] ?? 2);

let servers: Servers;
let zk: Registrar;
let daemon: Daemon;

before(async () => {
  servers = startServers(3);
  zk = await registrar(servers);
  daemon = await startDaemon(`
admin: {port: {adminPort}}
namers:
- kind: io.l5d.serversets
  sessionTimeoutMs: 6000
  zkAddrs:
${servers.ports.map((port) => `  - {host: 127.0.0.1, port: ${port}}`).join("\n")}
telemetry:
- kind: io.l5d.prometheus
routers:
- protocol: http
  dtab: /svc => /#/io.l5d.serversets/discovery
  bindingCache: {paths: 2000, trees: 2000, bounds: 2000, clients: 2000}
  servers:
  - port: {port}
`);
});

after(async () => {
  await daemon?.stop();
  await zk?.close();
  servers?.stop();
});

/** The number of the server that leads. */
async function leader(): Promise<number> {
  const modes = await Promise.all(servers.ports.map((port) => ask(port, "srvr")));
  const at = modes.findIndex((text) => text.includes("Mode: leader"));
  assert.notEqual(at, -1, "no leader");
  return at + 1;
}

/** CPU time of the daemon up to now, in seconds. */
function cpuSeconds(): number {
  const fields = readFileSync(`/proc/${daemon.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const answeredBy = (host: string, name: string): Promise<void> =>
  eventually(async () => {
    for (let i = 0; i < 5; i++) assert.deepEqual(await daemon.ask(host), { status: 200, body: name });
  }, convergeMs);

test("no request fails while the leader dies and another one is elected, and changes go on", async (t) => {
  const [a, b] = [await endpoint("a"), await endpoint("b")];
  try {
    await zk.put("/discovery/web", "1", "127.0.0.1", a.port);
    await answeredBy("web", "a");
    const load = traffic(daemon, "web");
    const dead = await leader();
    killServer(servers, dead);
    const killedAt = Date.now();
    // At no time is the set empty.
    await zk.put("/discovery/web", "2", "127.0.0.1", b.port);
    await zk.remove("/discovery/web/member_1");
    await answeredBy("web", "b");
    t.diagnostic(
      `a change was known ${((Date.now() - killedAt) / 1000).toFixed(1)} s after the leader was killed`,
    );
    restartServer(servers, dead);
    await serves(dead);
    load.stop();
    assert.deepEqual(load.failures, []);
  } finally {
    a.close();
    b.close();
  }
});

test(`${sets * membersEach} members in ${sets} sets: watches and CPU time settle after ${rounds} rolling restarts`, async (t) => {
  const server = createServer((_request, response) => response.end("ok"));
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const names = Array.from({ length: sets }, (_, i) => `service-${i}`);
    await inTurns(names, 16, (name, i) => registerSet(name, i, port));
    const startedAt = Date.now();
    await inTurns(names, 8, async (name) => assert.equal((await daemon.ask(name)).status, 200, name));
    t.diagnostic(`${sets} names bound in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
    const base = await settledWatches();
    assert.ok(base >= sets * (membersEach + 1), `${base} watches`);
    const load = traffic(daemon, "service-7");
    const settled: number[] = [];
    const cpu: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = cpuSeconds();
      for (const number of [1, 2, 3]) {
        restartServer(servers, number);
        await serves(number);
      }
      const upAt = Date.now();
      await eventually(async () => {
        const now = await watchesOf(servers);
        assert.ok(Math.abs(now - base) <= base / 100, `${now} watches, ${base} at first`);
      }, convergeMs);
      settled.push((Date.now() - upAt) / 1000);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, upAt + 5_000 - Date.now())));
      cpu.push(cpuSeconds() - before);
      const idle = cpuSeconds();
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      const share = (cpuSeconds() - idle) / 2;
      assert.ok(share < 0.25, `${Math.round(share * 100)} % of a core 5 s after the last restart`);
    }
    load.stop();
    const after = await watchesOf(servers);
    t.diagnostic(`${base} watches at first, ${after} at the end`);
    t.diagnostic(`settled after ${settled.map((each) => each.toFixed(1)).join(", ")} s`);
    t.diagnostic(`CPU time of each round: ${cpu.map((each) => each.toFixed(1)).join(", ")} s`);
    t.diagnostic(`resident memory: ${residentMb()} MB`);
    assert.deepEqual(load.failures, []);
    // What is registered now is known everywhere, and names that are let go leave no watch behind.
    await inTurns(names, 8, async (name) => assert.equal((await daemon.ask(name)).status, 200, name));
    await daemon.stop();
    await eventually(async () => assert.equal(await watchesOf(servers), 0), convergeMs);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

/** Ten members of a set, each at an address of its own. */
async function registerSet(name: string, set: number, port: number): Promise<void> {
  for (let i = 0; i < membersEach; i++) {
    const number = set * membersEach + i;
    const host = `127.1.${number >> 8}.${number & 255}`;
    await zk.put(`/discovery/${name}`, String(i).padStart(10, "0"), host, port);
  }
}

async function settledWatches(): Promise<number> {
  let last = -1;
  return eventually(async () => {
    const now = await watchesOf(servers);
    const same = now === last;
    last = now;
    if (!same) await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.ok(same);
    return now;
  }, convergeMs);
}

const serves = (number: number): Promise<void> =>
  eventually(
    async () => assert.match(await ask(servers.ports[number - 1]!, "srvr"), /Mode: (leader|follower)/),
    convergeMs,
  );

function residentMb(): number {
  const status = readFileSync(`/proc/${daemon.pid}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

async function inTurns<T>(items: readonly T[], width: number, run: (item: T, i: number) => Promise<void>) {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) await run(items[i]!, i);
  };
  await Promise.all(Array.from({ length: width }, work));
}
