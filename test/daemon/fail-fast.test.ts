/** Fail-fast: who finds an endpoint down waits for nothing, and connections are tried in the background. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../../daemon/data/client/endpoint.ts";
import { FailFast } from "../../daemon/data/client/fail-fast.ts";
import { recordedMetrics } from "../kit/metrics.ts";
import { bound, client, exchange, take } from "./client-kit.ts";
import { endpoint } from "./data-rig.ts";
import { until } from "./rig.ts";

function failFast() {
  const metrics = recordedMetrics();
  const counters = { markedDead: metrics.counter("dead"), markedAvailable: metrics.counter("available") };
  return { state: new FailFast(counters), metrics };
}

test("probes come after 1, 2, 4, 8, 16 and 32 s, and every 32 s from then on", () => {
  const { state } = failFast();
  let now = 0;
  const waits: number[] = [];
  state.failed(now);
  for (let n = 0; n < 8; n++) {
    const due = state.probeAtMs!;
    waits.push(due - now);
    assert.equal(state.probe(due - 1), false);
    assert.equal(state.probe(due), true);
    now = due;
    state.failed(now);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 32_000, 32_000]);
});

test("there is one probe at a time, and a connection that is made ends it all", () => {
  const { state, metrics } = failFast();
  state.failed(0);
  state.failed(1); // a connect that was under way
  assert.equal(state.probeAtMs, 1000);
  assert.equal(state.probe(1000), true);
  assert.equal(state.probe(2000), false);
  state.made();
  assert.equal(state.down, false);
  assert.equal(state.probe(100_000), false);
  state.failed(100_000);
  assert.equal(state.probeAtMs, 101_000);
  assert.deepEqual([metrics.value("dead"), metrics.value("available")], [2, 1]);
});

test("after a refused connect requests fail at once, and go on once a probe got through", async (t) => {
  const gone = await endpoint(t, () => {});
  gone.close();
  await until(() => !gone.server.listening);
  const metrics = recordedMetrics();
  const one = client(t, { failFast: true }, metrics.scope("c"));
  one.update(bound(gone.port));
  const refused = exchange();
  const target = take(one, refused.exchange);
  await until(() => refused.events.length > 0);
  assert.deepEqual(refused.events, ["E_CONNECT unsent"]);
  assert.equal(target.status, "busy");
  const next = exchange();
  take(one, next.exchange);
  assert.deepEqual(next.events, ["E_MARKED_DOWN unsent"], "nobody waits for a connect");

  const back = await endpoint(
    t,
    (socket) => {
      socket.on("data", () => socket.write("HTTP/1.1 204 No Content\r\n\r\n"));
    },
    gone.port,
  );
  target.sweep(performance.now());
  assert.equal(back.sockets.size, 0, "no probe before its time");
  target.sweep(performance.now() + 1000);
  await until(() => target.status === "open");
  const served = exchange();
  take(one, served.exchange);
  await until(() => served.events.includes("end"));
  assert.equal(back.sockets.size, 1, "the probe's connection is used");
  assert.equal(metrics.value("c/failfast/marked_dead"), 1);
  assert.equal(metrics.value("c/failfast/marked_available"), 1);
});

test("an endpoint that is down and free connections has serves on those", async (t) => {
  const origin = await endpoint(t, (socket) => {
    socket.on("data", () => socket.write("HTTP/1.1 204 No Content\r\n\r\n"));
  });
  const one = client(t, { failFast: true });
  one.update(bound(origin.port));
  const first = exchange();
  const target: Endpoint = take(one, first.exchange);
  await until(() => first.events.includes("end"));
  target.failFast!.failed(performance.now());
  const second = exchange();
  take(one, second.exchange);
  await until(() => second.events.includes("end"));
});

test("without failFast every request tries for itself", async (t) => {
  const gone = await endpoint(t, () => {});
  gone.close();
  const one = client(t);
  one.update(bound(gone.port));
  for (let n = 0; n < 3; n++) {
    const refused = exchange();
    take(one, refused.exchange);
    await until(() => refused.events.length > 0);
    assert.deepEqual(refused.events, ["E_CONNECT unsent"]);
  }
});
