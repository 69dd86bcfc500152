/** `enableProbation`: endpoints that discovery dropped stay while they are healthy. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "../../daemon/data/client/client.ts";
import type { Accrual } from "../../plugins/contract.ts";
import { bound, client, exchange, take } from "./client-kit.ts";
import { endpoint } from "./data-rig.ts";
import { until } from "./rig.ts";

const deadAtOnce: Accrual = { success() {}, failure: () => 60_000, revived() {} };

const names = (one: Client): string[] => [...one.endpoints].map(({ name }) => name.split(":")[1]!);

test("an endpoint that discovery dropped stays while it is open, also when the name is gone", (t) => {
  const one = client(t, { trustDiscovery: "never" });
  one.update(bound(1, 2));
  one.update(bound(2));
  assert.deepEqual(names(one), ["2", "1"]);
  one.update({ tag: "neg" });
  assert.equal(one.size, 2);
});

test("one that failure accrual marks dead is gone at once", (t) => {
  const one = client(t, { trustDiscovery: "never", accrual: { create: () => deadAtOnce } });
  one.update(bound(1, 2));
  one.update(bound(2));
  const [, dropped] = one.endpoints;
  one.pick(0, undefined);
  one.began(dropped!);
  one.ended(dropped!, 1, 0, false);
  assert.deepEqual(names(one), ["2"]);
});

test("one that fails while discovery knows it stays", (t) => {
  const one = client(t, { trustDiscovery: "never", accrual: { create: () => deadAtOnce } });
  one.update(bound(1, 2));
  const [first] = one.endpoints;
  one.pick(0, undefined);
  one.began(first!);
  one.ended(first!, 1, 0, false);
  one.update(bound(1, 2));
  assert.deepEqual(names(one), ["1", "2"]);
});

test("one that is dead when discovery drops it goes", (t) => {
  const one = client(t, { trustDiscovery: "never", accrual: { create: () => deadAtOnce } });
  one.update(bound(1, 2));
  const [first] = one.endpoints;
  one.pick(0, undefined);
  one.began(first!);
  one.ended(first!, 1, 0, false);
  one.update(bound(2));
  assert.deepEqual(names(one), ["2"]);
});

test("one that cannot be connected to is gone, whatever failure accrual makes of it", async (t) => {
  const origin = await endpoint(t, () => {});
  const one = client(t, { trustDiscovery: "never" });
  one.update(bound(origin.port, 1));
  one.update(bound(1));
  origin.close();
  await until(() => !origin.server.listening);
  const refused = exchange();
  [...one.endpoints][1]!.take(refused.exchange);
  await until(() => refused.events.length > 0);
  one.sweep(performance.now());
  assert.deepEqual(names(one), ["1"]);
});

test("one that comes back is a member like any other, with its connections", async (t) => {
  const origin = await endpoint(t, (socket) => {
    socket.on("data", () => socket.write("HTTP/1.1 204 No Content\r\n\r\n"));
  });
  const one = client(t, { trustDiscovery: "never" });
  one.update(bound(origin.port));
  const first = exchange();
  const target = take(one, first.exchange);
  await until(() => first.events.includes("end"));
  one.update(bound());
  assert.equal(target.onProbation, true);
  one.update(bound(origin.port));
  assert.equal(target.onProbation, false);
  const second = exchange();
  assert.equal(take(one, second.exchange), target);
  await until(() => second.events.includes("end"));
  assert.equal(origin.sockets.size, 1);
});

test("without it an endpoint that discovery dropped is gone", (t) => {
  const one = client(t);
  one.update(bound(1, 2));
  one.update(bound(2));
  assert.deepEqual(names(one), ["2"]);
});
