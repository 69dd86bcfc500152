/** The namers on ZooKeeper, on a server that can go wrong: `io.l5d.serversets`, `io.l5d.zkLeader` and `io.l5d.curator`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Addr, addressWeightKey, type Bound, NameTree, Path } from "../../dtab/index.ts";
import { ZooKeeper } from "../../namers/lib/zookeeper/client.ts";
import { createCuratorNamer, curatorSchema } from "../../namers/zookeeper/curator.ts";
import { lazyZooKeeperSystemNamers } from "../../namers/zookeeper/lazy-system.ts";
import { createLeaderNamer, leaderSchema } from "../../namers/zookeeper/leader.ts";
import { createServersetsNamer, serversetsSchema } from "../../namers/zookeeper/serversets.ts";
import { zooKeeperSystemNamers } from "../../namers/zookeeper/system.ts";
import type { Namer } from "../../plugins/contract.ts";
import { fakeClock, realClock } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { FakeZooKeeper } from "../kit/fake-zookeeper.ts";
import { recordedLog } from "../kit/log.ts";
import { addressesOf, leafOf, observe, testNamer } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { withDefaults } from "../kit/with-defaults.ts";

const zkAddrs = [{ host: "zk", port: 2181 }];
const makers = {
  serversets: [createServersetsNamer, serversetsSchema],
  zkLeader: [createLeaderNamer, leaderSchema],
  curator: [createCuratorNamer, curatorSchema],
} as const;

function create(kind: keyof typeof makers, server: FakeZooKeeper, clock = fakeClock(), block = {}) {
  const [make, schema] = makers[kind];
  const config = withDefaults(schema, { zkAddrs, ...block }) as Parameters<typeof createCuratorNamer>[0];
  const log = recordedLog();
  const ctx = { ...pluginContext(), clock, log, prefix: Path.read(`/#/io.l5d.${kind}`) };
  const namer = make(config, ctx, new ZooKeeper({ ...config, open: server.open }, ctx));
  return { namer, clock, log };
}

/** A name that stays observed, with its addresses. */
function follow(namer: Namer, path: string) {
  const tree = observe(namer.lookup(Path.read(path)).states);
  let addr: ReturnType<typeof observe<Addr>> | undefined;
  return {
    state: () => tree.last(),
    bound: () => leafOf(tree.last()) as Bound,
    addr(): Addr {
      addr ??= observe((leafOf(tree.last()) as Bound).addr);
      return addr.last();
    },
    addresses() {
      return addressesOf(this.addr());
    },
    close() {
      addr?.close();
      tree.close();
    },
  };
}

const member = (port: number, more: object = {}): object => ({
  serviceEndpoint: { host: "127.0.0.1", port },
  additionalEndpoints: {},
  status: "ALIVE",
  ...more,
});

for (const kind of ["serversets", "zkLeader"] as const) {
  testNamer(`io.l5d.${kind}`, () => {
    const server = new FakeZooKeeper();
    const data = (port: number) => (kind === "serversets" ? member(port) : `127.0.0.1:${port}`);
    server.put("/prod/web/member_1", data(80));
    const { namer } = create(kind, server, realClock as ReturnType<typeof fakeClock>);
    return {
      namer,
      known: Path.read("/prod/web"),
      unknown: Path.read("/prod/nope"),
      leadsTo: `/#/io.l5d.${kind}/prod/web`,
      discovery: {
        update() {
          server.put("/prod/web/member_1", data(81));
          return ["127.0.0.1:81"];
        },
        fail() {
          server.mood = "away";
          server.cut();
        },
        running: () => (namer.state() as { watched: number }).watched > 0,
      },
      dispose() {
        server.mood = "well";
      },
    };
  });
}

test("serversets: members come, change, and go with their nodes; only those that are alive count", async () => {
  const server = new FakeZooKeeper();
  const { namer, clock } = create("serversets", server);
  const web = follow(namer, "/discovery/web");
  await clock.advance(50);
  assert.deepEqual(web.state(), { tag: "ok", value: NameTree.neg });
  server.put("/discovery/web/member_1", member(80));
  await clock.advance(2_000);
  assert.deepEqual(web.addresses(), ["127.0.0.1:80"]);
  server.put("/discovery/web/member_2", member(81, { status: "STARTING" }));
  server.put("/discovery/web/other", member(99));
  await clock.advance(500);
  assert.deepEqual(web.addresses(), ["127.0.0.1:80"]);
  server.put("/discovery/web/member_2", member(81));
  await clock.advance(500);
  assert.deepEqual(web.addresses(), ["127.0.0.1:80", "127.0.0.1:81"]);
  server.remove("/discovery/web/member_1");
  await clock.advance(500);
  assert.deepEqual(web.addresses(), ["127.0.0.1:81"]);
  server.remove("/discovery/web");
  await clock.advance(500);
  assert.deepEqual(web.state(), { tag: "ok", value: NameTree.neg });
  web.close();
  await clock.advance(2_000);
  assert.deepEqual([server.watches, server.connections, clock.sleepers], [0, 0, 0]);
});

test("serversets: endpoints and shards are chosen in the name, and all of them share one set of watches", async () => {
  const server = new FakeZooKeeper();
  const https = { additionalEndpoints: { https: { host: "127.0.0.1", port: 443 } } };
  server.put("/web/member_1", member(80, { shard: 1, ...https }));
  server.put("/web/member_2", member(81, { shard: 2 }));
  const { namer, clock } = create("serversets", server);
  const expected = {
    "/web": ["127.0.0.1:80", "127.0.0.1:81"],
    "/web:https": ["127.0.0.1:443"],
    "/web#2": ["127.0.0.1:81"],
    "/web:https#1": ["127.0.0.1:443"],
  };
  const watched = Object.keys(expected).map((name) => follow(namer, name));
  const absent = ["/web:admin", "/web:https#2", "/web#7"].map((name) => follow(namer, name));
  await clock.advance(100);
  assert.deepEqual(
    watched.map((each) => each.addresses()),
    Object.values(expected),
  );
  for (const each of absent) assert.deepEqual(each.state(), { tag: "ok", value: NameTree.neg });
  assert.equal(server.watches, 3, "the list and two members");
});

test("serversets: vectors weigh members, shards and addresses, and multiply", async () => {
  const server = new FakeZooKeeper();
  for (const [id, port, shard] of [
    ["member_1", 81, 1],
    ["member_2", 82, 2],
    ["member_3", 83, 3],
  ] as const) {
    server.put(`/web/${id}`, member(port, { shard }));
  }
  const vector = [
    { select: "member=member_1", weight: 0.5, priority: 1 },
    { select: "shard=2", weight: 3 },
    { select: "inet=127.0.0.1:82", weight: 2 },
    { select: "moon=full", weight: 9 },
  ];
  server.put("/web/vector_1", { vector });
  const { namer, clock } = create("serversets", server);
  const web = follow(namer, "/web");
  await clock.advance(100);
  const addr = web.addr();
  assert.ok(addr.tag === "bound");
  assert.deepEqual(
    addr.addresses.map(({ port, meta }) => [port, meta[addressWeightKey]]),
    [
      [81, 0.5],
      [82, 6],
      [83, undefined],
    ],
  );
});

test("serversets: data that makes no sense leaves a member as it was, and a new one out", async () => {
  const server = new FakeZooKeeper();
  server.put("/web/member_1", member(80));
  const { namer, clock } = create("serversets", server);
  const web = follow(namer, "/web");
  await clock.advance(100);
  server.put("/web/member_1", '{"serviceEndpoint":{"host":"127.0');
  server.put("/web/member_2", "<html>");
  await clock.advance(500);
  assert.deepEqual(web.addresses(), ["127.0.0.1:80"]);
  server.put("/web/member_1", member(81));
  await clock.advance(500);
  assert.deepEqual(web.addresses(), ["127.0.0.1:81"]);
});

test("serversets: names that no node can have are not asked for", async () => {
  const server = new FakeZooKeeper();
  const { namer, clock } = create("serversets", server);
  for (const path of ["/..", "/.", "/a\\x2fb", "/a\\x00", `/${"x".repeat(1_001)}`]) {
    const name = follow(namer, path);
    await clock.advance(50);
    assert.deepEqual(name.state(), { tag: "ok", value: NameTree.neg }, path);
    name.close();
  }
  assert.deepEqual(server.asked, []);
});

test("serversets: a long path is asked for in sixteen parts at most", async () => {
  const server = new FakeZooKeeper();
  server.put("/a/member_1", member(80));
  const { namer, clock } = create("serversets", server);
  const deep = follow(namer, `/a${"/x".repeat(500)}`);
  await clock.advance(1_000);
  assert.equal(deep.bound().residual.size, 500);
  assert.ok(server.asked.length < 40, `${server.asked.length} questions`);
  deep.close();
});

for (const [what, harm] of [
  ["connections are cut", (server: FakeZooKeeper) => server.cut()],
  ["the session is ended", (server: FakeZooKeeper) => server.expire()],
  [
    "the server vanishes",
    (server: FakeZooKeeper) => {
      server.freeze();
      server.mood = "silent";
    },
  ],
  [
    "nobody listens",
    (server: FakeZooKeeper) => {
      server.mood = "away";
      server.cut();
    },
  ],
] as const) {
  test(`serversets: addresses stay while ${what}, and follow when it is over`, async () => {
    const server = new FakeZooKeeper();
    server.put("/web/member_1", member(80));
    server.put("/web/member_2", member(81));
    const { namer, clock } = create("serversets", server);
    const web = follow(namer, "/web");
    await clock.advance(100);
    const before = server.watches;
    let last = web.addresses();
    for (let round = 0; round < 5; round++) {
      harm(server);
      server.put("/web/member_1", member(90 + round));
      await clock.advance(45_000);
      assert.equal(web.state().tag, "ok");
      if (server.mood !== "well") assert.deepEqual(web.addresses(), last);
      server.mood = "well";
      await clock.advance(30_000);
      last = ["127.0.0.1:81", `127.0.0.1:${90 + round}`];
      assert.deepEqual(web.addresses(), last);
    }
    assert.equal(server.watches, before);
    web.close();
  });
}

test("serversets: a ZooKeeper that is away at start is a failure that says so, and its names are bound when it comes", async () => {
  const server = new FakeZooKeeper();
  server.put("/web/member_1", member(80));
  server.mood = "away";
  const { namer, clock, log } = create("serversets", server);
  const web = follow(namer, "/web");
  await clock.advance(1_000);
  const state = web.state();
  assert.ok(state.tag === "failed" && /ZooKeeper at zk:2181.*ECONNREFUSED/.test(state.error.message));
  assert.equal(log.lines.filter((line) => line.startsWith("warn")).length, 1);
  server.mood = "well";
  await clock.advance(10_000);
  assert.deepEqual(web.addresses(), ["127.0.0.1:80"]);
});

test("serversets: what is known is confirmed while nothing changes, and ages while nobody confirms it", async () => {
  const server = new FakeZooKeeper();
  server.put("/web/member_1", member(80));
  const { namer, clock } = create("serversets", server);
  const web = follow(namer, "/web");
  const age = () =>
    (namer.state() as { names: Record<string, { ageSeconds: number }> }).names["/web"]!.ageSeconds;
  for (let i = 0; i < 100; i++) {
    await clock.advance(1_000);
    assert.ok(age() < 25, `age ${age()}`);
  }
  assert.deepEqual(
    server.asked.filter((line) => line.startsWith("get")),
    ["getChildren /web", "getData /web/member_1"],
  );
  server.mood = "away";
  server.cut();
  await clock.advance(60_000);
  assert.ok(age() > 59, `age ${age()}`);
  web.close();
});

test("zkLeader: the lowest candidate counts, and the next one when it leaves", async () => {
  const server = new FakeZooKeeper();
  server.put("/master/member_0000000007", "127.0.0.1:7,127.0.0.2:7");
  server.put("/master/member_0000000009", "127.0.0.1:9");
  server.put("/master/lock", "127.0.0.1:1");
  const { namer, clock } = create("zkLeader", server);
  const master = follow(namer, "/master/x");
  await clock.advance(2_000);
  assert.equal(master.bound().id.show(), "/#/io.l5d.zkLeader/master");
  assert.equal(master.bound().residual.show(), "/x");
  assert.deepEqual(master.addresses(), ["127.0.0.1:7", "127.0.0.2:7"]);
  const { watches } = server;
  server.remove("/master/member_0000000007");
  await clock.advance(500);
  assert.deepEqual(master.addresses(), ["127.0.0.1:9"]);
  assert.equal(server.watches, watches);
  server.put("/master/member_0000000009", "<unknown>");
  await clock.advance(500);
  assert.deepEqual(master.addresses(), ["127.0.0.1:9"]);
  server.remove("/master/member_0000000009");
  await clock.advance(500);
  assert.deepEqual(master.state(), { tag: "ok", value: NameTree.neg });
  server.put("/master/member_0000000011", "127.0.0.1:11");
  await clock.advance(2_000);
  assert.deepEqual(master.addresses(), ["127.0.0.1:11"]);
});

test("curator: instances are bound with the port for TLS where there is one, and a service without any to nothing", async () => {
  const server = new FakeZooKeeper();
  server.put("/services/web/1", { address: "127.0.0.1", port: 80, sslPort: null });
  server.put("/services/web/2", { address: "127.0.0.2", port: 80, sslPort: 443 });
  server.put("/services/web/3", { address: "127.0.0.3", port: 80, enabled: false });
  const { namer, clock } = create("curator", server, fakeClock(), { basePath: "/services" });
  const [web, nope] = [follow(namer, "/web/x"), follow(namer, "/nope")];
  await clock.advance(100);
  assert.equal(web.bound().id.show(), "/#/io.l5d.curator/web");
  assert.equal(web.bound().residual.show(), "/x");
  assert.deepEqual(web.addresses(), ["127.0.0.1:80", "127.0.0.2:443"]);
  const addr = web.addr();
  assert.ok(addr.tag === "bound" && addr.meta["ssl"] === "true");
  assert.deepEqual(nope.addr(), { tag: "bound", addresses: [], meta: { ssl: "false" } });
  server.remove("/services/web/2");
  await clock.advance(500);
  assert.deepEqual(web.addresses(), ["127.0.0.1:80"]);
  assert.deepEqual(
    namer.names().map(({ name }) => name.show()),
    ["/#/io.l5d.curator/web"],
  );
});

test("system names tell their ensemble themselves, and eight of them are asked at a time", async () => {
  const server = new FakeZooKeeper();
  server.put(
    "/prod/web/member_1",
    member(80, { additionalEndpoints: { https: { host: "127.0.0.1", port: 443 } } }),
  );
  server.put("/master/member_1", "127.0.0.1:90");
  const clock = fakeClock();
  const systems = zooKeeperSystemNamers({ ...pluginContext(), clock }, server.open);
  const [serverset, leader] = [
    systems.get("com.twitter.serverset")!,
    systems.get("io.buoyant.namer.zk.leader")!,
  ];
  const web = follow(serverset, "/zk1:2181\\x2czk2:2182/prod/web");
  const https = follow(serverset, "/zk1:2181::zk2:2182/prod/web:https");
  const below = follow(serverset, "/zk1:2181/prod/web/x");
  const master = follow(leader, "/zk1:2181::zk2:2182/master/x");
  await clock.advance(3_000);
  assert.deepEqual(
    [web, https, master].map((each) => each.addresses()[0]),
    ["127.0.0.1:80", "127.0.0.1:443", "127.0.0.1:90"],
  );
  assert.equal(https.bound().id.show(), "/$/com.twitter.serverset/zk1:2181::zk2:2182/prod/web:https");
  assert.equal(master.bound().residual.show(), "/x");
  assert.deepEqual(below.state(), { tag: "ok", value: NameTree.neg });
  for (const each of [web, below, master]) each.close();
  const many = Array.from({ length: 8 }, (_, i) => follow(serverset, `/other${i}:2181/prod/web`));
  await clock.advance(3_000);
  assert.equal(many.filter((each) => each.state().tag === "failed").length, 1);
  https.close();
  await clock.advance(3_000);
  assert.deepEqual(follow(serverset, "/last:2181/prod/web").state(), { tag: "pending" });
  const bad = follow(serverset, "/no-port/web").state();
  assert.ok(bad.tag === "failed" && /expected host:port/.test(bad.error.message));
});

test("system names are loaded with the first that is asked, and answer as they do then", async () => {
  const systems = lazyZooKeeperSystemNamers(pluginContext());
  assert.deepEqual([...systems.keys()], [...zooKeeperSystemNamers(pluginContext()).keys()]);
  for (const namer of systems.values()) {
    const bad = follow(namer, "/no-port/web");
    const again = follow(namer, "/no-port/web");
    for (const { state } of [bad, again]) {
      await eventually(() => {
        const now = state();
        assert.ok(now.tag === "failed" && /expected host:port/.test(now.error.message));
      });
    }
  }
});

test("serversets: a member that goes and comes back under its name while it is read is read again", async () => {
  const server = new FakeZooKeeper();
  server.put("/web/member_1", member(80));
  const { namer, clock } = create("serversets", server);
  const web = follow(namer, "/web");
  await clock.advance(100);
  server.beforeAnswer = (asked) => {
    if (asked !== "getData /web/member_1") return;
    server.beforeAnswer = undefined;
    server.remove("/web/member_1");
    setImmediate(() => server.put("/web/member_1", member(82)));
  };
  server.put("/web/member_1", member(81));
  await clock.advance(3_000);
  assert.deepEqual(web.addresses(), ["127.0.0.1:82"]);
});
