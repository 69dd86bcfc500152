/** A session with ZooKeeper: what it survives, when it is over, and what it leaves behind at the server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ZooKeeper } from "../../namers/lib/zookeeper/client.ts";
import type { SessionOptions } from "../../namers/lib/zookeeper/session.ts";
import { fakeClock } from "../kit/clock.ts";
import { FakeZooKeeper } from "../kit/fake-zookeeper.ts";
import { recordedLog } from "../kit/log.ts";
import { recordedMetrics } from "../kit/metrics.ts";
import { pluginContext } from "../kit/plugin-context.ts";

const never = new AbortController().signal;

async function rig(options: Partial<SessionOptions & { chroot: string }> = {}) {
  const clock = fakeClock();
  const log = recordedLog();
  const metrics = recordedMetrics();
  const server = new FakeZooKeeper();
  const zk = new ZooKeeper(
    {
      zkAddrs: [{ host: "zk", port: 1 }],
      sessionTimeoutMs: 9_000,
      chroot: "/",
      open: server.open,
      ...options,
    },
    { ...pluginContext(), clock, log, metrics },
  );
  const release = zk.session.hold();
  await clock.advance(10);
  const state = () => zk.session.toJSON() as { state: string; watches: number; lastError?: string };
  return { clock, log, metrics, server, zk, release, state };
}

/** A watch with what it was told. */
function told(zk: ZooKeeper, kind: "data" | "children", path: string) {
  const news: string[] = [];
  const watch = zk.watch(kind, path, (lost) => void news.push(lost ? "lost" : "changed"));
  return { watch, news };
}

test("nodes are made, read, listed and deleted, below the chroot", async () => {
  const { zk, server } = await rig({ chroot: "/app" });
  await zk.createAll("/a/b", never);
  await zk.createAll("/a/b", never);
  assert.equal(await zk.create("/a/b/c", Buffer.from("hello"), mode(false, false), never), "/a/b/c");
  assert.deepEqual(server.below("/app/a/b"), { c: "hello" });
  assert.equal((await zk.getData("/a/b/c", never)).data.toString(), "hello");
  assert.deepEqual(await zk.getChildren("/a", never), ["b"]);
  const member = await zk.create("/a/member_", Buffer.from("x"), mode(true, true), never);
  assert.match(member, /^\/a\/member_\d{10}$/);
  assert.equal((await zk.getData(member, never)).owner, zk.session.id);
  await zk.remove(member, never);
  await zk.remove(member, never);
  assert.equal(await zk.exists(member, never), false);
  await assert.rejects(zk.getData("/nope", never), /getData \/app\/nope: no such node/);
});

test("credentials are sent on each connection, before anything else", async () => {
  const { clock, server } = await rig({ authInfo: { scheme: "digest", auth: "user:password" } });
  assert.deepEqual(server.credentials, ["digest user:password"]);
  server.cut();
  await clock.advance(1_000);
  assert.equal(server.credentials.length, 2);
});

test("a session outlives its connection, and its watches tell what happened meanwhile", async () => {
  const { clock, server, zk } = await rig();
  server.put("/web", "1");
  server.put("/quiet", "1");
  const [data, children, quiet, absent] = [
    told(zk, "data", "/web"),
    told(zk, "children", "/web"),
    told(zk, "data", "/quiet"),
    told(zk, "data", "/later"),
  ];
  await zk.getData("/web", never, data.watch);
  await zk.getChildren("/web", never, children.watch);
  await zk.getData("/quiet", never, quiet.watch);
  await zk.exists("/later", never, absent.watch);
  const { id } = zk.session;
  server.cut();
  server.put("/web", "2");
  server.put("/web/member");
  await clock.advance(1_000);
  assert.equal(zk.session.id, id);
  assert.deepEqual([data.news, children.news, quiet.news, absent.news], [["changed"], ["changed"], [], []]);
  server.put("/later");
  server.put("/quiet", "2");
  await clock.advance(10);
  assert.deepEqual([quiet.news, absent.news], [["changed"], ["changed"]]);
  assert.equal(server.watches, 0);
});

test("a silent server is given up after two thirds of the time-out, and the session goes on elsewhere", async () => {
  const { clock, server, zk, state } = await rig({
    zkAddrs: [
      { host: "a", port: 1 },
      { host: "b", port: 2 },
    ],
  });
  const { id } = zk.session;
  server.freeze();
  await clock.advance(5_900);
  assert.equal(state().state, "connected");
  await clock.advance(700);
  assert.match(state().lastError!, /no answer for/);
  await clock.advance(1_000);
  assert.equal(state().state, "connected");
  assert.equal(zk.session.id, id);
  assert.deepEqual([...new Set(server.tried)].sort(), [1, 2]);
});

test("in a partition the session is over when no server can have heard of us for its time-out", async () => {
  const { clock, log, server, zk } = await rig();
  server.put("/web");
  const web = told(zk, "data", "/web");
  await zk.getData("/web", never, web.watch);
  server.mood = "silent";
  await clock.advance(8_900);
  assert.deepEqual(web.news, []);
  await clock.advance(3_200);
  assert.deepEqual(web.news, ["lost"]);
  assert.equal(zk.session.id, 0n);
  assert.equal(log.lines.filter((line) => line.includes("is over")).length, 1);
  server.mood = "well";
  await clock.advance(6_000);
  assert.notEqual(zk.session.id, 0n);
});

test("a session that the server has ended is followed by another one", async () => {
  const { clock, metrics, server, zk } = await rig();
  server.put("/web");
  const web = told(zk, "data", "/web");
  await zk.getData("/web", never, web.watch);
  const { id } = zk.session;
  server.expire();
  await clock.advance(1_000);
  assert.notEqual(zk.session.id, id);
  assert.deepEqual(web.news, ["lost"]);
  assert.equal(metrics.value("zookeeper_sessions_expired"), 1);
  assert.equal(await zk.exists("/web", never), true);
});

test("while no server can be reached, requests fail at once, and attempts come less and less often", async () => {
  const { clock, server, zk } = await rig();
  server.mood = "away";
  server.cut();
  await clock.advance(1_500);
  await assert.rejects(zk.getData("/web", never), /ECONNREFUSED/);
  await clock.advance(60_000);
  const { length } = server.tried;
  await clock.advance(60_000);
  const perMinute = server.tried.length - length;
  assert.ok(perMinute >= 12 && perMinute <= 24, `${perMinute} attempts a minute`);
  server.mood = "well";
  await clock.advance(5_000);
  assert.equal(await zk.exists("/", never), true);
});

test("what is no ZooKeeper is not believed", async () => {
  for (const answer of [
    Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"),
    Buffer.from("\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x01", "latin1"),
    Buffer.alloc(64),
  ]) {
    const { clock, server, zk } = await rig();
    server.cut();
    server.mood = { answer };
    await clock.advance(20_000);
    await assert.rejects(zk.exists("/", never), /not ZooKeeper|too early|no session/);
    server.mood = "well";
    await clock.advance(6_000);
    assert.equal(await zk.exists("/", never), true);
  }
});

test("an ensemble that has lost its data is not believed for twenty seconds, and then it is", async () => {
  const { clock, log, server, zk } = await rig();
  for (let i = 0; i < 10; i++) server.put("/web", String(i));
  await zk.getData("/web", never);
  server.wipe();
  await clock.advance(15_000);
  await assert.rejects(zk.exists("/web", never), /without an answer/);
  await clock.advance(15_000);
  assert.equal(await zk.exists("/web", never), false);
  assert.ok(log.lines.some((line) => line.includes("may have lost data")));
});

test("the server keeps one watch for all who look at a node, and none after the last one has let go", async () => {
  const { clock, server, zk } = await rig();
  server.put("/web");
  const [a, b] = [told(zk, "data", "/web"), told(zk, "data", "/web")];
  await Promise.all([zk.getData("/web", never, a.watch), zk.getData("/web", never, b.watch)]);
  assert.equal(server.watches, 1);
  zk.drop(a.watch);
  await clock.advance(10);
  assert.equal(server.watches, 1);
  server.put("/web", "2");
  await clock.advance(10);
  assert.deepEqual([a.news, b.news], [[], ["changed"]]);
  await zk.getData("/web", never, b.watch);
  zk.drop(b.watch);
  await clock.advance(10);
  assert.equal(server.watches, 0);
});

test("a watch that is let go while its read is under way is taken away once it is there", async () => {
  const { clock, server, zk } = await rig();
  server.put("/web");
  const web = told(zk, "data", "/web");
  const reading = zk.getData("/web", never, web.watch);
  zk.drop(web.watch);
  await reading;
  await clock.advance(10);
  assert.equal(server.watches, 0);
});

test("a server that cannot take watches away is asked to once, and left alone", async () => {
  const { clock, server, zk } = await rig();
  server.old = true;
  for (const path of ["/a", "/b", "/c"]) {
    server.put(path);
    const watched = told(zk, "data", path);
    await zk.getData(path, never, watched.watch);
    zk.drop(watched.watch);
    await clock.advance(1_000);
  }
  assert.equal(server.asked.filter((line) => line.startsWith("removeWatches")).length, 1);
  assert.equal(await zk.exists("/a", never), true);
});

test("no more than 64 requests are under way at a time", async () => {
  const { clock, server, zk } = await rig();
  server.mood = "silent";
  const before = server.received;
  for (let i = 0; i < 200; i++) zk.exists(`/${i}`, never).catch(() => {});
  await clock.advance(10);
  assert.equal(server.received, before + 64);
  server.mood = "well";
  await clock.advance(20_000);
  assert.equal(await zk.exists("/", never), true);
});

test("the last who lets go ends the session in order, and nothing is left", async () => {
  const { clock, server, zk, release, state } = await rig();
  const second = zk.session.hold();
  await release();
  await release();
  assert.equal(state().state, "connected");
  await second();
  await clock.advance(2_000);
  assert.deepEqual([server.sessions, server.connections, clock.sleepers], [0, 0, 0]);
  assert.equal(state().state, "idle");
  const third = zk.session.hold();
  await clock.advance(10);
  assert.equal(await zk.exists("/", never), true);
  await third();
});

const mode = (ephemeral: boolean, sequential: boolean) => ({ ephemeral, sequential });
