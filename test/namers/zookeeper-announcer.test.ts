/** Announcer `io.l5d.serversets`: a server is a member of its set as long as it serves, whatever becomes of sessions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Path } from "../../dtab/index.ts";
import { ZooKeeper } from "../../namers/lib/zookeeper/client.ts";
import { announcerSchema, createServersetsAnnouncer } from "../../namers/zookeeper/announcer.ts";
import { fakeClock } from "../kit/clock.ts";
import { FakeZooKeeper } from "../kit/fake-zookeeper.ts";
import { recordedLog } from "../kit/log.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { withDefaults } from "../kit/with-defaults.ts";

function rig() {
  const clock = fakeClock();
  const log = recordedLog();
  const server = new FakeZooKeeper();
  const zkAddrs = [{ host: "zk", port: 2181 }];
  const config = withDefaults(announcerSchema, { zkAddrs, pathPrefix: "/discovery/prod" });
  const ctx = { ...pluginContext(), clock, log };
  const announcer = createServersetsAnnouncer(
    config,
    ctx,
    new ZooKeeper({ ...config, open: server.open }, ctx),
  );
  const announce = (name: string, port: number) => {
    const stop = new AbortController();
    const ended = announcer.announce(Path.read(name), { host: "10.0.0.1", port }, stop.signal);
    return { stop: () => stop.abort(), ended };
  };
  const members = () => Object.values(server.below("/discovery/prod/web")).map((text) => JSON.parse(text));
  return { clock, log, server, announce, members };
}

const member = (port: number) => ({
  serviceEndpoint: { host: "10.0.0.1", port },
  additionalEndpoints: {},
  status: "ALIVE",
  shard: 0,
});

test("a server joins its set, whose nodes are made if need be, and leaves it when it stops", async () => {
  const { clock, server, announce, members } = rig();
  const [a, b] = [announce("/web", 4141), announce("/web", 4142)];
  await clock.advance(100);
  assert.deepEqual(members(), [member(4141), member(4142)]);
  assert.equal(server.sessions, 1);
  a.stop();
  await clock.advance(100);
  await a.ended;
  assert.deepEqual(members(), [member(4142)]);
  b.stop();
  await clock.advance(2_000);
  await b.ended;
  assert.deepEqual(members(), []);
  assert.deepEqual([server.sessions, server.watches, clock.sleepers], [0, 0, 0]);
});

test("a server joins again after its session, and after somebody took its node away", async () => {
  const { clock, log, server, announce, members } = rig();
  announce("/web", 4141);
  await clock.advance(100);
  server.expire();
  assert.deepEqual(members(), []);
  await clock.advance(2_000);
  assert.deepEqual(members(), [member(4141)]);
  server.remove("/discovery/prod/web");
  await clock.advance(2_000);
  assert.deepEqual(members(), [member(4141)]);
  assert.equal(log.lines.filter((line) => line === "info: announced").length, 3);
});

test("a server whose session lives on through a cut connection stays the member that it is", async () => {
  const { clock, server, announce } = rig();
  announce("/web", 4141);
  await clock.advance(100);
  const before = server.below("/discovery/prod/web");
  for (let i = 0; i < 5; i++) {
    server.cut();
    await clock.advance(2_000);
  }
  assert.deepEqual(server.below("/discovery/prod/web"), before);
});

test("an answer that got lost with its connection leaves no second member", async () => {
  const { clock, server, announce, members } = rig();
  server.put("/discovery/prod/web");
  server.cutAt = "create";
  announce("/web", 4141);
  await clock.advance(5_000);
  assert.equal(server.asked.filter((line) => line.startsWith("create")).length, 1);
  assert.deepEqual(members(), [member(4141)]);
});

test("while ZooKeeper is away there is one warning, and the server joins when it is back", async () => {
  const { clock, log, server, announce, members } = rig();
  server.mood = "away";
  announce("/web", 4141);
  await clock.advance(60_000);
  assert.equal(log.lines.filter((line) => line.startsWith("warn")).length, 1);
  server.mood = "well";
  await clock.advance(10_000);
  assert.deepEqual(members(), [member(4141)]);
});

test("a server that stops while ZooKeeper is away does not wait for it", async () => {
  const { clock, server, announce } = rig();
  const web = announce("/web", 4141);
  await clock.advance(100);
  server.mood = "silent";
  web.stop();
  await clock.advance(4_000);
  await web.ended;
  assert.equal(server.connections, 0);
});

test("a name that no node can have is refused", async () => {
  const { announce } = rig();
  await assert.rejects(announce("/a\\x2fb", 4141).ended, /can be no node of ZooKeeper/);
});
