/** A client and its endpoints: what discovery changes, who waits for a connection, and what leaves nothing behind. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import type { Endpoint } from "../../daemon/data/client/endpoint.ts";
import { HeaderList } from "../../daemon/data/header-list.ts";
import { ProxyError } from "../../plugins/errors.ts";
import { bound, client, exchange, take } from "./client-kit.ts";
import { endpoint } from "./data-rig.ts";
import { until } from "./rig.ts";

test("an endpoint that stays in the set is the same, its weight aside", (t) => {
  const one = client(t);
  one.update(bound(1, 2));
  const before = one.pick(0, undefined);
  one.update({
    tag: "bound",
    addresses: [{ host: "127.0.0.1", port: 1, meta: { endpoint_addr_weight: 3 } }],
    meta: {},
  });
  assert.equal(one.pick(0, undefined), before);
  assert.equal((before as Endpoint).weight, 3);
});

test("after a set, pending and failed change nothing, and neg empties it", (t) => {
  const one = client(t);
  assert.equal(one.pending, true);
  one.update(bound(1));
  one.update({ tag: "pending" });
  one.update({ tag: "failed", message: "down" });
  assert.equal(one.size, 1);
  one.update({ tag: "neg" });
  assert.equal((one.pick(0, undefined) as ProxyError).code, "E_NO_ENDPOINTS");
});

test("a first failure is told to who asks", (t) => {
  const one = client(t);
  one.update({ tag: "failed", message: "no such thing" });
  assert.equal((one.pick(0, undefined) as ProxyError).code, "E_BIND_FAILED");
});

test("who waits for addresses goes on with the first word, unless it left", (t) => {
  const one = client(t);
  const woken: string[] = [];
  const stays = { attempt: () => void woken.push("stays") };
  const leaves = { attempt: () => void woken.push("leaves") };
  one.await(stays);
  one.await(leaves);
  one.forget(leaves);
  one.update(bound(1));
  one.update(bound(1, 2));
  assert.deepEqual(woken, ["stays"]);
});

test("a connection serves one exchange after the other", async (t) => {
  const origin = await endpoint(t, (socket) => {
    socket.on("data", () => socket.write("HTTP/1.1 204 No Content\r\n\r\n"));
  });
  const one = client(t);
  one.update(bound(origin.port));
  for (let round = 0; round < 3; round++) {
    const { exchange: current, events } = exchange();
    take(one, current);
    await until(() => events.includes("end"));
  }
  assert.equal(origin.sockets.size, 1);
});

test("beyond the pool's size exchanges wait, and beyond its waiters they fail unsent", async (t) => {
  const asked: Socket[] = [];
  const origin = await endpoint(t, (socket) => void socket.on("data", () => asked.push(socket)));
  const one = client(t, { maxConnections: 1, maxWaiters: 1 });
  one.update(bound(origin.port));
  const [a, b, c] = [exchange(), exchange(), exchange()];
  take(one, a.exchange);
  await until(() => asked.length === 1);
  take(one, b.exchange);
  take(one, c.exchange);
  assert.deepEqual(c.events, ["E_POOL_FULL unsent"]);
  asked[0]!.write("HTTP/1.1 204 No Content\r\n\r\n");
  await until(() => asked.length === 2);
  assert.deepEqual(b.events, []);
});

test("an exchange that leaves the line makes room in it and is never sent", async (t) => {
  const asked: Socket[] = [];
  const origin = await endpoint(t, (socket) => void socket.on("data", () => asked.push(socket)));
  const one = client(t, { maxConnections: 1, maxWaiters: 1 });
  one.update(bound(origin.port));
  const [a, b, c] = [exchange(), exchange(), exchange()];
  take(one, a.exchange);
  await until(() => asked.length === 1);
  take(one, b.exchange);
  b.exchange.abandonAttempt();
  take(one, c.exchange);
  asked[0]!.write("HTTP/1.1 204 No Content\r\n\r\n");
  await until(() => asked.length === 2);
  assert.equal(b.exchange.sending, false);
  assert.equal(c.exchange.sending, true);
});

test("a refused connection fails one exchange, unsent", async (t) => {
  const origin = await endpoint(t, () => {});
  origin.close();
  const one = client(t);
  one.update(bound(origin.port));
  const { exchange: current, events } = exchange();
  take(one, current);
  await until(() => events.length > 0);
  assert.deepEqual(events, ["E_CONNECT unsent"]);
});

test("an endpoint that leaves the set serves what is in flight, and its waiters go elsewhere", async (t) => {
  const asked: Socket[] = [];
  const origin = await endpoint(t, (socket) => void socket.on("data", () => asked.push(socket)));
  const one = client(t, { maxConnections: 1 });
  one.update(bound(origin.port));
  const [served, waiting] = [exchange(), exchange()];
  take(one, served.exchange);
  await until(() => asked.length === 1);
  take(one, waiting.exchange);
  one.update(bound(1));
  assert.deepEqual(waiting.events, ["E_CONNECT unsent"]);
  asked[0]!.write("HTTP/1.1 204 No Content\r\n\r\n");
  await until(() => served.events.includes("end"));
  await until(() => origin.sockets.size === 0);
});

test("an endpoint that has left takes nothing any more", async (t) => {
  const origin = await endpoint(t, () => {});
  const one = client(t);
  one.update(bound(origin.port));
  const gone = one.pick(0, undefined) as Endpoint;
  one.update({ tag: "neg" });
  const { exchange: current, events } = exchange();
  gone.take(current);
  assert.deepEqual(events, ["E_CONNECT unsent"]);
  assert.equal(origin.sockets.size, 0);
});

test("an answer that nobody asked for ends its connection and reaches nobody", async (t) => {
  const origin = await endpoint(t, (socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 204 No Content\r\n\r\n");
      setImmediate(() => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"));
    });
    socket.resume();
  });
  const one = client(t);
  one.update(bound(origin.port));
  const { exchange: current, events } = exchange();
  take(one, current);
  await until(() => events.includes("end"));
  await until(() => origin.sockets.size === 0);
  assert.deepEqual(events, ["respond 204", "finished undefined", "end"]);
});

test("an exchange finishes exactly once, whatever comes after its end", () => {
  const { exchange: over, events } = exchange();
  over.fail(new ProxyError("E_BUG", "no"));
  over.respond({ status: 500, reason: "", version: "1.1", headers: new HeaderList([]), bodyLength: 0 });
  over.emitEnd(undefined);
  over.emitEnd(undefined);
  over.callerGone();
  over.endpointFailed(new ProxyError("E_CONNECT", "late"), "sent");
  over.answerData(Buffer.from("late"), 0, 4);
  over.answerEnd(undefined);
  assert.deepEqual(events, ["failed E_BUG", "respond 500", "finished undefined", "end"]);
});

test("an exchange whose failing fails too is cut and finished", () => {
  const { exchange: broken, events } = exchange();
  broken.handler = {
    ...broken.handler!,
    failed() {
      throw new Error("a bug in the failure");
    },
  };
  broken.broke(new Error("a bug"));
  assert.deepEqual(events, ["finished E_BUG", "cut"]);
});
