/** What systemd is told, and when nothing is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createServiceManager } from "../../daemon/cli/service-manager.ts";

const rig = (env: Record<string, string>, fails = false) => {
  const told: string[][] = [];
  const errors: string[] = [];
  const manager = createServiceManager({
    env,
    pid: 42,
    monotonicUsec: () => 123_456n,
    err: (text) => void errors.push(text),
    exec: async (program, args) => {
      told.push([program, ...args]);
      if (fails) throw new Error("no such program");
    },
  });
  return { manager, told, errors };
};

const supervised = { NOTIFY_SOCKET: "/run/systemd/notify" };

test("ready, reloading and stopping are told in order, with the time that systemd wants", async () => {
  const { manager, told } = rig(supervised);
  manager.ready("Serving 1 ports");
  manager.reloading();
  manager.ready("Serving");
  manager.stopping();
  await manager.settled();
  assert.deepEqual(told, [
    ["systemd-notify", "READY=1", "STATUS=Serving 1 ports"],
    ["systemd-notify", "RELOADING=1", "MONOTONIC_USEC=123456"],
    ["systemd-notify", "READY=1", "STATUS=Serving"],
    ["systemd-notify", "STOPPING=1", "STATUS=Shutting down"],
  ]);
});

test("without systemd nothing is called", async () => {
  const { manager, told } = rig({ WATCHDOG_USEC: "1000" });
  manager.ready("");
  manager.watch(async () => assert.fail("nobody asked"), new AbortController().signal);
  await manager.settled();
  assert.deepEqual(told, []);
});

test("a failing systemd-notify is told once, and nothing else fails", async () => {
  const { manager, errors } = rig(supervised, true);
  manager.ready("");
  manager.stopping();
  await manager.settled();
  assert.deepEqual(errors, ["pointsman: systemd cannot be told READY=1: no such program\n"]);
});

test("the watchdog is fed while event loops turn, and hungry once they do not", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { manager, told, errors } = rig({ ...supervised, WATCHDOG_USEC: "3000000", WATCHDOG_PID: "42" });
  const stop = new AbortController();
  let healthy = true;
  manager.watch(async (withinMs) => {
    assert.equal(withinMs, 1000);
    return healthy;
  }, stop.signal);
  t.mock.timers.tick(1000);
  await new Promise(setImmediate);
  healthy = false;
  t.mock.timers.tick(1000);
  await new Promise(setImmediate);
  stop.abort();
  t.mock.timers.tick(1000);
  await manager.settled();
  assert.deepEqual(told, [["systemd-notify", "WATCHDOG=1"]]);
  assert.equal(errors.length, 1);
});

test("a watchdog that is meant for another process is left alone", () => {
  const { manager } = rig({ ...supervised, WATCHDOG_USEC: "1", WATCHDOG_PID: "7" });
  manager.watch(async () => assert.fail("nobody asked"), new AbortController().signal);
});
