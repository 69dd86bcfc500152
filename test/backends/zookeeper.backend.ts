/** The namers and the announcer on ZooKeeper in the whole daemon against a real server, with faults between them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ZooKeeper } from "../../namers/lib/zookeeper/client.ts";
import { realClock } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { type Daemon, endpoint, startDaemon, traffic } from "./daemon.ts";
import { type FaultProxy, faultProxy, type NetworkFault } from "./fault-proxy.ts";
import {
  killServer,
  type Registrar,
  registrar,
  restartServer,
  type Servers,
  startServers,
  watchesOf,
  writeProtected,
} from "./zookeeper.ts";

/** After a fault is over, everything is as it should be within this time. */
const convergeMs = 30_000;
/** How long each fault lasts, under traffic: longer than a session lives. */
const faultMs = Number(process.env["FAULT_MS"] ?? 4_500);
const sessionTimeoutMs = 3_000;

let servers: Servers;
let zk: Registrar;
let proxy: FaultProxy;
let daemon: Daemon;
let a: Awaited<ReturnType<typeof endpoint>>;
let b: Awaited<ReturnType<typeof endpoint>>;

const config = (port: number): string => `
admin: {port: {adminPort}, shutdownGraceMs: 1000}
namers:
- kind: io.l5d.serversets
  zkAddrs: [{host: 127.0.0.1, port: ${port}}]
  sessionTimeoutMs: ${sessionTimeoutMs}
- kind: io.l5d.zkLeader
  zkAddrs: [{host: 127.0.0.1, port: ${port}}]
  sessionTimeoutMs: ${sessionTimeoutMs}
- kind: io.l5d.curator
  experimental: true
  basePath: /services
  zkAddrs: [{host: 127.0.0.1, port: ${port}}]
  sessionTimeoutMs: ${sessionTimeoutMs}
telemetry:
- kind: io.l5d.prometheus
routers:
- protocol: http
  dtab: |
    /svc => /#/io.l5d.serversets/discovery/prod ;
    /svc/curator => /#/io.l5d.curator/web ;
    /svc/leader => /#/io.l5d.zkLeader/master ;
  bindingTimeoutMs: 2000
  announcers:
  - kind: io.l5d.serversets
    pathPrefix: /discovery/announced
    zkAddrs: [{host: 127.0.0.1, port: ${port}}]
    sessionTimeoutMs: ${sessionTimeoutMs}
  servers:
  - port: {port}
    announce: [/#/io.l5d.serversets/edge]
`;

before(async () => {
  servers = startServers(1);
  [a, b] = [await endpoint("a"), await endpoint("b")];
  zk = await registrar(servers);
  proxy = await faultProxy(servers.ports[0]!);
  daemon = await startDaemon(config(proxy.port));
});

after(async () => {
  await daemon?.stop();
  proxy?.close();
  a?.close();
  b?.close();
  await zk?.close();
  servers?.stop();
});

const web = "/discovery/prod/web";
const register = (id: string, { port }: { readonly port: number }, set = web): Promise<void> =>
  zk.put(set, id, "127.0.0.1", port);

/** Waits until a host is answered by one endpoint alone, several times in a row. */
const answeredBy = (host: string, name: string, timeoutMs: number, from = daemon): Promise<void> =>
  eventually(async () => {
    for (let i = 0; i < 5; i++) assert.deepEqual(await from.ask(host), { status: 200, body: name });
  }, timeoutMs);

/** The first series of a name on the Prometheus page; 0 before there is one. */
async function metric(start: string): Promise<number> {
  const page = await daemon.admin("/admin/metrics/prometheus");
  const line = page.split("\n").find((each) => each.startsWith(start));
  return line === undefined ? 0 : Number(line.split(" ").at(-1));
}

test("members of a serverset come, change, move to another one and go", async () => {
  assert.equal((await daemon.ask("web")).status, 502);
  await register("1", a);
  await answeredBy("web", "a", 5_000);
  await register("2", b);
  await eventually(async () => {
    const bodies = await Promise.all(Array.from({ length: 20 }, () => daemon.ask("web")));
    assert.deepEqual([...new Set(bodies.map(({ body }) => body))].sort(), ["a", "b"]);
  });
  await zk.remove(`${web}/member_1`);
  await answeredBy("web", "b", 5_000);
  await register("1", a);
  await zk.remove(`${web}/member_2`);
  await answeredBy("web", "a", 5_000);
  await zk.remove(`${web}/member_1`);
  await register("1", a, "/discovery/prod/shop");
  await eventually(async () => assert.equal((await daemon.ask("web")).status, 502));
  await answeredBy("shop", "a", 5_000);
});

test("a leader is followed, and so are Curator's instances", async () => {
  await zk.write("/master/member_0000000001", `127.0.0.1:${a.port}`);
  await zk.write("/master/member_0000000002", `127.0.0.1:${b.port}`);
  await answeredBy("leader", "a", 5_000);
  await zk.remove("/master/member_0000000001");
  await answeredBy("leader", "b", 5_000);
  const instance = (port: number): string => JSON.stringify({ name: "web", address: "127.0.0.1", port });
  await zk.write("/services/web/1", instance(a.port));
  await answeredBy("curator", "a", 5_000);
  await zk.write("/services/web/2", instance(b.port));
  await zk.remove("/services/web/1");
  await answeredBy("curator", "b", 5_000);
});

test("nodes that not everybody may read are read with credentials, below a chroot", async () => {
  await zk.write("/tenant/x", "");
  await writeProtected(servers.ports[0]!, "/tenant/secret", "hello", "user:password");
  const read = async (more: object): Promise<string> => {
    const zkAddrs = [{ host: "127.0.0.1", port: servers.ports[0]! }];
    const options = { zkAddrs, sessionTimeoutMs: 5_000, chroot: "/tenant", ...more };
    const client = new ZooKeeper(options, { ...pluginContext(), clock: realClock });
    const release = client.session.hold();
    try {
      return (await client.getData("/secret", new AbortController().signal)).data.toString();
    } finally {
      await release();
    }
  };
  const digest = (auth: string) => ({ authInfo: { scheme: "digest", auth } });
  assert.equal(await read(digest("user:password")), "hello");
  await assert.rejects(read(digest("user:other")), /not allowed by the node's ACL/);
  await assert.rejects(read({}), /getData \/tenant\/secret: not allowed/);
  await assert.rejects(read({ authInfo: { scheme: "moon", auth: "x" } }), /authentication failed/);
});

const welcome = Buffer.from("0000002500000000", "hex").toString("latin1");

const faults: Readonly<Record<string, NetworkFault>> = {
  "connections are reset": "reset",
  "packets vanish, until the session is over": "black hole",
  "answers trickle": "trickle",
  "something else answers": { answer: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" },
  "answers are garbage": { answer: "\x00\x00\x00\x10\xff\xfe\xfd\xfc garbage here" },
  "answers are cut off": { answer: welcome },
};

for (const [title, fault] of Object.entries(faults)) {
  test(`no request fails while ${title}, and what changed meanwhile is known within 30 s after it`, (t) =>
    underFault(t, {
      begin: () => proxy.set(fault),
      end: () => proxy.set("none"),
    }));
}

test("no request fails while an empty ZooKeeper stands in its place", async (t) => {
  const empty = startServers(1);
  try {
    await underFault(t, {
      begin: () => proxy.moveTo(empty.ports[0]!),
      end: () => proxy.moveTo(servers.ports[0]!),
    });
  } finally {
    empty.stop();
  }
});

/** Moves a member under traffic in the middle of a fault. */
async function underFault(
  t: { diagnostic(text: string): void },
  { begin, end }: { begin(): void; end(): void },
): Promise<void> {
  await register("1", a);
  await answeredBy("web", "a", convergeMs);
  const watches = await watchesOf(servers);
  assert.ok(watches > 0);
  const load = traffic(daemon, "web");
  try {
    begin();
    await new Promise((resolve) => setTimeout(resolve, faultMs / 2));
    await register("1", b);
    await new Promise((resolve) => setTimeout(resolve, faultMs / 2));
    assert.deepEqual([...new Set(load.bodies.slice(-20))], ["a"], "the fault lets nothing through");
    end();
    const healedAt = Date.now();
    await answeredBy("web", "b", convergeMs);
    t.diagnostic(`converged ${((Date.now() - healedAt) / 1000).toFixed(1)} s after the fault`);
  } finally {
    end();
    load.stop();
  }
  assert.deepEqual(load.failures, []);
  assert.ok(load.bodies.length > faultMs / 100, `${load.bodies.length} answers`);
  await eventually(async () => assert.equal(await watchesOf(servers), watches), convergeMs);
}

test("no request fails while the server crashes, is away, and comes back on another port", async (t) => {
  await register("1", a);
  await answeredBy("web", "a", convergeMs);
  const expired = 'zookeeper_sessions_expired{namer="#/io.l5d.serversets"}';
  const before = await metric(expired);
  const load = traffic(daemon, "web");
  try {
    killServer(servers, 1);
    await eventually(async () => assert.equal(await metric(expired), before + 1), 3 * sessionTimeoutMs);
    const port = servers.ports[0]! - 1;
    restartServer(servers, 1, port);
    servers = { ...servers, ports: [port] };
    await zk.close();
    zk = await eventually(() => registrar(servers), 30_000);
    await register("1", b);
    const movedAt = Date.now();
    proxy.moveTo(port);
    await answeredBy("web", "b", convergeMs);
    t.diagnostic(`converged ${((Date.now() - movedAt) / 1000).toFixed(1)} s after it could be reached`);
  } finally {
    load.stop();
  }
  assert.deepEqual(load.failures, []);
});

test("a ZooKeeper that is away at start is found when it comes", async () => {
  await register("1", a);
  const late = await faultProxy(servers.ports[0]!);
  late.set("reset");
  const other = await startDaemon(config(late.port));
  try {
    assert.notEqual((await other.ask("web")).status, 200);
    late.set("none");
    await answeredBy("web", "a", convergeMs, other);
  } finally {
    await other.stop();
    late.close();
  }
});

test("a server is announced while it serves, again after its session, and no more once it drains", async () => {
  const edge = "/discovery/announced/edge";
  const port = async (): Promise<number> => {
    const [node] = await zk.children(edge);
    return JSON.parse(await zk.read(`${edge}/${node}`)).serviceEndpoint.port;
  };
  const own = await faultProxy(servers.ports[0]!);
  await eventually(async () => assert.equal((await zk.children(edge)).length, 1), convergeMs);
  assert.equal(await port(), daemon.port);
  const other = await startDaemon(config(own.port));
  try {
    await eventually(async () => assert.equal((await zk.children(edge)).length, 2), 5_000);
    assert.match(
      await other.admin("/admin/announcer"),
      /^127\.0\.0\.1:\d+ as \/#\/io\.l5d\.serversets\/edge by/,
    );
    own.set("black hole");
    await eventually(async () => assert.equal((await zk.children(edge)).length, 1), 3 * sessionTimeoutMs);
    own.set("none");
    await eventually(async () => assert.equal((await zk.children(edge)).length, 2), convergeMs);
  } finally {
    await other.stop();
    own.close();
  }
  // At once, not when its session would be over.
  assert.equal((await zk.children(edge)).length, 1);
  assert.equal(await port(), daemon.port);
});

test("a scan of random names leaves no watch behind, and the one real name answers throughout", async () => {
  await register("1", a);
  await answeredBy("web", "a", convergeMs);
  for (let i = 0; i < 3_000; i += 30) {
    await Promise.all(Array.from({ length: 30 }, (_, j) => daemon.ask(`random-${i + j}`)));
  }
  assert.deepEqual(await daemon.ask("web"), { status: 200, body: "a" });
  const state = JSON.parse(await daemon.admin("/namer_state/io.l5d.serversets.json"));
  const watches = await watchesOf(servers);
  assert.ok(watches <= 2 * state.watched + 20, `${watches} watches for ${state.watched} names`);
  assert.ok(proxy.connections().most <= 8, `${proxy.connections().most} connections`);
});
