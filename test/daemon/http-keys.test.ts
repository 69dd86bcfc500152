/** Keys of servers, clients and routers that have no other test: each does what it says, through the whole proxy. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bound, client, exchange, take } from "./client-kit.ts";
import { answering, caller, endpoint, get, ok, proxy } from "./data-rig.ts";
import { until } from "./rig.ts";

const to = (port: number): string => `/svc => /$/inet/127.0.0.1/${port}`;

test("servers[].timeoutMs ends a request with 503 and Linkerd's words", async (t) => {
  const hanging = await endpoint(t, () => {});
  const { port } = await proxy(t, { dtab: to(hanging.port), server: "    timeoutMs: 200" });
  const one = caller(t, port);
  one.write(get("/"));
  const text = await one.until((got) => got.startsWith("HTTP/1.1 503") && got.includes("E_SERVER_TIMEOUT"));
  assert.match(text, /exceeded 200\.milliseconds to 127\.0\.0\.1\/\d+ while waiting for a response/);
});

test("timestampHeader adds the time of arrival, behind what the caller sent", async (t) => {
  let head = "";
  const origin = await answering(t, (seen) => {
    head = seen;
    return ok("fine");
  });
  const { port } = await proxy(t, { dtab: to(origin.port), server: "    timestampHeader: x-request-start" });
  const one = caller(t, port);
  const before = Date.now();
  one.write(get("/", "X-Request-Start: 1\r\n"));
  await one.until((text) => text.endsWith("fine"));
  const stamps = [...head.matchAll(/^x-request-start: (\d+)\r$/gim)].map(([, value]) => Number(value));
  assert.equal(stamps[0], 1);
  assert.ok(stamps[1]! >= before && stamps[1]! <= Date.now(), String(stamps));
});

test("maxCallDepth refuses a request that went through more proxies", async (t) => {
  const origin = await answering(t, () => ok("fine"));
  const { port } = await proxy(t, { dtab: to(origin.port), server: "    maxCallDepth: 2" });
  const one = caller(t, port);
  one.write(get("/", "Via: 1.1 a, 1.1 b\r\n"));
  await one.until((text) => text.endsWith("fine"));
  one.write(get("/", "Via: 1.1 a, 1.1 b, 1.1 c\r\n"));
  await one.until((text) => text.includes("Maximum number of calls (2) has been exceeded"));
});

for (const [key, block] of [
  ["responseTimeoutMs", "responseTimeoutMs: 300"],
  ["socketOptions.readTimeoutMs", "socketOptions: { readTimeoutMs: 300 }"],
] as const) {
  test(`client.${key} gives up an endpoint that says nothing`, async (t) => {
    const silent = await endpoint(t, (socket) => void socket.resume());
    const { port } = await proxy(t, { dtab: to(silent.port), rest: `  client: { ${block} }` });
    const one = caller(t, port);
    one.write(get("/"));
    await one.until(
      (text) => text.startsWith("HTTP/1.1 504") && text.includes("the endpoint was silent for 300 ms"),
    );
  });
}

test("servers[].socketOptions.readTimeoutMs ends a body that stops, and a connection that is idle", async (t) => {
  const origin = await answering(t, () => ok("fine"));
  const { port } = await proxy(t, {
    dtab: to(origin.port),
    server: "    socketOptions: { readTimeoutMs: 300 }",
  });
  const one = caller(t, port);
  one.write("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 10\r\n\r\nhello");
  await one.until((text) => text.startsWith("HTTP/1.1 408"));
  const idle = caller(t, port);
  idle.write(get("/"));
  await idle.until((text) => text.endsWith("fine"));
  await idle.end();
});

test("maxErrResponseKB cuts the text of an error", async (t) => {
  const rules = Array.from({ length: 100 }, (_, n) => `/svc/name-${n} => /$/nowhere/at/all`).join(" ; ");
  const { port } = await proxy(t, { dtab: rules, rest: "  maxErrResponseKB: 1" });
  const one = caller(t, port);
  one.write(get("/"));
  const text = await one.until((got) => got.includes("\r\n\r\n"));
  assert.equal(Number(/content-length: (\d+)/i.exec(text)![1]), 1024);
});

test("compressionLevel: -1 compresses text, 0 nothing, 9 everything, and only for who takes it", async (t) => {
  const origin = await answering(t, (head) =>
    ok("a".repeat(5000), `content-type: ${head.includes("/png") ? "image/png" : "text/plain"}\r\n`),
  );
  for (const [level, text, png] of [
    [-1, true, false],
    [0, false, false],
    [9, true, true],
  ] as const) {
    const { port } = await proxy(t, { dtab: to(origin.port), rest: `  compressionLevel: ${level}` });
    for (const [path, accepts, compressed] of [
      ["/text", "Accept-Encoding: gzip\r\n", text],
      ["/png", "Accept-Encoding: gzip\r\n", png],
      ["/text", "", false],
    ] as const) {
      const one = caller(t, port);
      one.write(get(path, accepts));
      const head = await one.until((got) => got.includes("\r\n\r\n"));
      assert.equal(/content-encoding: gzip/i.test(head), compressed, `${level} ${path} ${accepts}`);
    }
  }
});

/** The timer that the kernel runs for a connection, by its local port: 02 is keep-alive's (Linux). */
const timerOf = (port: number, remote: number): string | undefined => {
  const hex = (value: number): string => value.toString(16).toUpperCase().padStart(4, "0");
  const row = new RegExp(`0100007F:${hex(port)} 0100007F:${hex(remote)} 01 \\S+ (\\d\\d):`);
  return row.exec(readFileSync("/proc/net/tcp", "utf8"))?.[1];
};

test("socketOptions.keepAlive is on for callers and endpoints where it is asked for", {
  skip: process.platform !== "linux",
}, async (t) => {
  const origin = await answering(t, () => ok("fine"));
  for (const keepAlive of [true, false]) {
    const { port } = await proxy(t, {
      dtab: to(origin.port),
      server: `    socketOptions: { keepAlive: ${keepAlive} }`,
      rest: `  client: { socketOptions: { keepAlive: ${keepAlive} } }`,
    });
    const one = caller(t, port);
    one.write(get("/"));
    await one.until((text) => text.endsWith("fine"));
    const timer = keepAlive ? "02" : "00";
    await until(() => timerOf(port, one.socket.localPort!) === timer);
    const [upstream] = [...origin.sockets].slice(-1);
    await until(() => timerOf(upstream!.remotePort!, origin.port) === timer);
  }
});

test("connectTimeoutMs: a connect that takes longer fails its request, unsent", async (t) => {
  const origin = await endpoint(t, () => {});
  const one = client(t, { connectTimeoutMs: 250 });
  one.update(bound(origin.port));
  const waiting = exchange();
  const target = take(one, waiting.exchange);
  // Before the kernel's word on the connect can be heard.
  target.sweep(performance.now() + 251);
  await until(() => waiting.events.length > 0);
  assert.deepEqual(waiting.events, ["E_CONNECT_TIMEOUT unsent"]);
});

/** A client with so many free connections to one endpoint. */
async function withIdle(
  t: Parameters<typeof client>[0],
  connections: number,
  settings: Parameters<typeof client>[1],
) {
  const asked: (() => void)[] = [];
  const origin = await endpoint(t as Parameters<typeof endpoint>[0], (socket) => {
    socket.on("data", () => asked.push(() => socket.write("HTTP/1.1 204 No Content\r\n\r\n")));
  });
  const one = client(t, settings);
  one.update(bound(origin.port));
  const exchanges = Array.from({ length: connections }, exchange);
  const targets = exchanges.map((each) => take(one, each.exchange));
  await until(() => asked.length === connections);
  for (const answer of asked) answer();
  await until(() => exchanges.every(({ events }) => events.includes("end")));
  return { origin, target: targets[0]! };
}

test("hostConnectionPool keeps minSize connections, and those above it for idleTimeMs", async (t) => {
  const { origin, target } = await withIdle(t, 5, { minConnections: 2, poolIdleMs: 10_000 });
  target.sweep(performance.now() + 9000);
  assert.equal(target.pool.idleCount, 5);
  target.sweep(performance.now() + 11_000);
  await until(() => origin.sockets.size === 2);
  target.sweep(performance.now() + 1_000_000);
  assert.equal(target.pool.idleCount, 2);
});

test("clientSession.idleTimeMs and lifeTimeMs end connections below minSize, too", async (t) => {
  const idle = await withIdle(t, 2, { minConnections: 2, sessionIdleMs: 10_000 });
  idle.target.sweep(performance.now() + 9000);
  assert.equal(idle.target.pool.idleCount, 2);
  idle.target.sweep(performance.now() + 11_000);
  await until(() => idle.origin.sockets.size === 0);
  const old = await withIdle(t, 2, { minConnections: 2, sessionLifeMs: 10_000 });
  old.target.sweep(performance.now() + 9000);
  assert.equal(old.target.pool.idleCount, 2);
  old.target.sweep(performance.now() + 11_000);
  await until(() => old.origin.sockets.size === 0);
});
