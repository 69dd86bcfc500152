/** The daemon as a whole, over a fake data worker: start, ports, restarts of workers, drain, end. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { start, until } from "./rig.ts";

const config = (rest = "", workers = 1): string => `admin: {port: 0}
workers: ${workers}
routers:
- protocol: http
  dtab: /svc => /$/inet/127.1/1
  servers:
  - port: 0
${rest}`;

test("the admin server answers as soon as the daemon has started", async (t) => {
  const { daemon, get } = await start(config());
  t.after(() => daemon.close());
  const response = await get("/admin/ping");
  assert.equal(await response.text(), "pong");
  assert.equal((await get("/readyz")).status, 200);
});

test("connections that come while the pages load are all answered", async (t) => {
  const { daemon, get } = await start(config());
  t.after(() => daemon.close());
  const texts = await Promise.all(Array.from({ length: 20 }, async () => (await get("/admin/ping")).text()));
  assert.deepEqual(new Set(texts), new Set(["pong"]));
});

test("the start is logged: admin, each server, and that it is done", async (t) => {
  const { daemon, log } = await start(config());
  t.after(() => daemon.close());
  assert.deepEqual(
    log.map(({ message, port }) => [message, port]),
    [
      ["serving admin", daemon.admin.port],
      ["serving", daemon.servers[0]!.port],
      ["initialized", undefined],
    ],
  );
});

test("a port in use is told with its line before any worker starts", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  await assert.rejects(start(config(`  - port: ${port}\n`)), {
    message: `linkerd.yaml:8:11: routers[0].servers[1].port: 127.0.0.1:${port} is in use`,
  });
});

test("an admin port in use is told too, and nothing is left running", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  await assert.rejects(start(config().replace("admin: {port: 0}", `admin: {port: ${port}}`)), {
    message: `linkerd.yaml:1:15: admin.port: 127.0.0.1:${port} is in use`,
  });
});

test("a worker that cannot start fails the start with its reason", async () => {
  const workerUrl = new URL("data:text/javascript,throw new Error('no such cipher')");
  await assert.rejects(start(config(), { workerUrl }), { message: "Error: no such cipher" });
});

test("all workers of a server with port 0 share one port", async (t) => {
  const { daemon, tell } = await start(config("", 2));
  t.after(() => daemon.close());
  const seen = new Set<string>();
  await until(async () => {
    seen.add((await tell("hello"))[0]!.split(" ")[1]!);
    return seen.size === 2;
  });
});

test("where sockets cannot be shared, workers open their own on one port, and an upgrade is refused", async (t) => {
  const { daemon, tell } = await start(config("", 2), { binding: () => ({}) });
  t.after(() => daemon.close());
  const seen = new Set<string>();
  await until(async () => {
    seen.add((await tell("hello"))[0]!.split(" ")[1]!);
    return seen.size === 2;
  });
  const result = await daemon.upgrade();
  assert.equal(result.handedOver ? "" : result.problem, "this Node.js cannot share listening sockets");
});

test("an upgrade while a reload is under way, or the end, is refused", async () => {
  const { promise: read, resolve } = Promise.withResolvers<never>();
  const { daemon } = await start(config(), { read: () => read, successor: () => assert.fail("not now") });
  const reloading = daemon.reload("test");
  const busy = await daemon.upgrade();
  assert.equal(busy.handedOver ? "" : busy.problem, "a reload is under way");
  resolve({ config: undefined, issues: [], fileName: "" } as never);
  await reloading;
  const closing = daemon.close();
  const late = await daemon.upgrade();
  assert.equal(late.handedOver ? "" : late.problem, "the daemon is shutting down");
  await closing;
});

test("a worker that dies is replaced within a second, counted and logged, and its counts stay", async (t) => {
  const { daemon, log, get, tell } = await start(config());
  t.after(() => daemon.close());
  await tell("count web");
  const metric = async (name: string): Promise<unknown> =>
    ((await (await get("/admin/metrics.json")).json()) as Record<string, unknown>)[name];
  await until(async () => (await metric("rt/http/service/web/requests")) === 1);
  const died = performance.now();
  await tell("die");
  await until(() => log.some(({ message }) => message === "a worker was started again"));
  assert.ok(performance.now() - died < 1000);
  assert.equal(await metric("workers/restarts"), 1);
  assert.equal(await metric("rt/http/service/web/requests"), 1);
  await tell("count web");
  await until(async () => (await metric("rt/http/service/web/requests")) === 2);
  assert.ok(log.some(({ level, cause }) => level === "error" && cause === "exit code 3"));
});

test("a worker that throws is replaced, and the log holds the error", async (t) => {
  const { daemon, log, tell } = await start(config());
  t.after(() => daemon.close());
  await tell("throw");
  await until(() => log.some(({ message }) => message === "a worker was started again"));
  assert.ok(log.some(({ cause }) => String(cause).includes("the worker's own bug")));
});

test("a worker that dies again and again is started later each time", async (t) => {
  const { daemon, log, tell } = await start(config());
  t.after(() => daemon.close());
  const started = (): number => log.filter(({ message }) => message === "a worker was started again").length;
  for (let deaths = 1; deaths <= 3; deaths += 1) {
    await tell("die");
    await until(() => started() === deaths);
  }
  const waits = log.flatMap(({ waitMs }) => waitMs ?? []);
  assert.deepEqual(waits, [50, 100, 200]);
});

test("workers bind names through the control thread", async (t) => {
  const { daemon, tell } = await start(config());
  t.after(() => daemon.close());
  const [state] = await tell("bind /svc", 1);
  assert.deepEqual(JSON.parse(state!), {
    tag: "ok",
    tree: { tag: "leaf", id: "/$/inet/127.1/1", residual: "/" },
  });
  const [lost] = await tell("bind /other", 1);
  assert.deepEqual(JSON.parse(lost!), { tag: "ok", tree: { tag: "neg" }, why: ["/other: no such name (~)"] });
});

test("what a worker logs is in the log under its name, and its level can be changed", async (t) => {
  const { daemon, log, get, tell } = await start(config());
  t.after(() => daemon.close());
  await tell("log hello");
  await until(() => log.some(({ logger, message }) => logger === "worker/0" && message === "hello"));
  assert.deepEqual(await tell("x"), ["ok 0 info"]);
  await get("/logging.json?logger=worker/0&level=debug", { method: "POST" });
  await until(async () => (await tell("x"))[0] === "ok 0 debug");
});

test("a summary appears when an interval has closed", async (t) => {
  const { daemon, get, tell } = await start(config(), { snapshotIntervalMs: 100 });
  t.after(() => daemon.close());
  const key = "rt/http/service/web/request_latency_ms";
  await until(async () => {
    await tell("record web 12");
    const metrics = (await (await get("/admin/metrics.json")).json()) as Record<string, number>;
    return metrics[`${key}.p99`] === 12 && metrics[`${key}.count`]! > 0;
  });
});

test("closing lets workers drain, ends everything, and twice is once", async () => {
  const { daemon, log, get, tell } = await start(config());
  await tell("x");
  await get("/admin/ping");
  const first = daemon.close();
  assert.equal(daemon.close(), first);
  await first;
  await daemon.closed;
  await assert.rejects(get("/admin/ping"));
  await assert.rejects(tell("x"));
  assert.equal(log.at(-1)?.["message"], "ended");
});

test("a worker that does not drain is ended after the grace", async () => {
  const { daemon, tell } = await start(config());
  await tell("hang");
  const began = performance.now();
  await daemon.close(0);
  assert.ok(performance.now() - began >= 1000, "a grace below a second counts as one");
});

test("POST /admin/shutdown ends the daemon", async () => {
  const { daemon, get } = await start(config());
  assert.equal((await get("/admin/shutdown")).status, 405);
  assert.equal((await get("/admin/shutdown?grace=soon", { method: "POST" })).status, 400);
  const response = await get("/admin/shutdown?grace=2.seconds", { method: "POST" });
  assert.equal(await response.text(), "quitting\n");
  await daemon.closed;
});
