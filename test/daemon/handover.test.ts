/** The parts of an upgrade: the new process that is waited for, what it is told, and what stands in the way. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { handoverEnv, passedSockets } from "../../daemon/cli/passed-sockets.ts";
import { startSuccessor } from "../../daemon/cli/successor.ts";
import { Handover, type HandoverOptions } from "../../daemon/control/handover.ts";
import { eventually } from "../kit/eventually.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { memoryLog, noMetrics } from "./kit.ts";

const shell = (script: string, more: { readyMs?: number; endMs?: number } = {}) =>
  startSuccessor(
    { program: { command: "/bin/sh", args: ["-c", script] }, pid: 7, env: process.env, ...more },
    [],
  );

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("a new process that says so serves, and may live on", async () => {
  const { pid } = await shell("echo ready >&3; exec sleep 60");
  assert.ok(alive(pid));
  process.kill(pid, "SIGKILL");
});

test("a new process that ends, dies or closes the pipe is told with its end", async () => {
  await assert.rejects(shell("exit 7"), { message: "it ended before it was ready, with code 7" });
  await assert.rejects(shell("kill -9 $$"), { message: "it ended before it was ready, by SIGKILL" });
  await assert.rejects(shell("exec 3>&-; exit 3"), { message: "it ended before it was ready, with code 3" });
});

test("a program that is not there any more is told", async () => {
  const program = { command: "/nonexistent/pointsman", args: [] };
  await assert.rejects(startSuccessor({ program, pid: 7, env: {} }, []), {
    message: /^it cannot be started: .*ENOENT/,
  });
});

test("process 1 is not replaced, for its container would end with it", async () => {
  const program = { command: "/bin/true", args: [] };
  await assert.rejects(startSuccessor({ program, pid: 1, env: {} }, []), { message: /^process 1 cannot/ });
});

test("a new process that does not get ready in time is ended, also if it does not want to", async () => {
  using dir = tempDir();
  const file = path.join(dir.path, "pid");
  const hangs = shell(`trap '' TERM; echo $$ > ${file}; while :; do sleep 0.05; done`, {
    readyMs: 500,
    endMs: 100,
  });
  await assert.rejects(hangs, { message: "it did not get ready in 500 ms" });
  const pid = Number(readFileSync(file, "utf8"));
  assert.ok(pid > 0);
  await eventually(() => assert.equal(alive(pid), false));
});

test("the environment tells a new process of its sockets, and of nothing that was meant for another", () => {
  const env = handoverEnv({ HOME: "/", LISTEN_FDS: "1", LISTEN_PID: "7", WATCHDOG_PID: "7" }, 2);
  assert.deepEqual(env, { HOME: "/", POINTSMAN_HANDOVER: "2" });
  assert.deepEqual(passedSockets(env, 9), {
    descriptors: [
      { fd: 3, name: undefined },
      { fd: 4, name: undefined },
    ],
    ready: 5,
  });
});

test("systemd's sockets are those of the process that they are meant for, with their names", () => {
  const env = { LISTEN_PID: "9", LISTEN_FDS: "2", LISTEN_FDNAMES: "http:admin" };
  assert.deepEqual(passedSockets(env, 9).descriptors, [
    { fd: 3, name: "http" },
    { fd: 4, name: "admin" },
  ]);
  assert.deepEqual(passedSockets(env, 10).descriptors, []);
  assert.deepEqual(passedSockets({ LISTEN_PID: "9", LISTEN_FDS: "many" }, 9).descriptors, []);
  assert.deepEqual(passedSockets({}, 9), { descriptors: [], ready: undefined });
});

const handover = (options: Partial<HandoverOptions> = {}) => {
  const told: string[] = [];
  const log = memoryLog();
  const it = new Handover({
    start: async (descriptors) => {
      told.push(`start ${descriptors}`);
      return { pid: 42 };
    },
    descriptors: () => [10, 11],
    obstacle: () => undefined,
    refuseReloads: (reason) => void told.push(reason === undefined ? "reloads again" : "no reloads"),
    leave: () => void told.push("leave"),
    log,
    metrics: noMetrics,
    ...options,
  });
  return { it, told, log };
};

test("this process leaves once the new one serves, and reloads nothing meanwhile", async () => {
  const { it, told } = handover();
  assert.deepEqual(await it.run(), { handedOver: true, pid: 42 });
  assert.deepEqual(told, ["no reloads", "start 10,11", "leave"]);
});

test("a new process that fails changes nothing, and there can be another try", async () => {
  const { it, told, log } = handover({ start: () => Promise.reject(new Error("it is broken")) });
  for (let tries = 0; tries < 2; tries++) {
    assert.deepEqual(await it.run(), { handedOver: false, problem: "it is broken" });
  }
  assert.deepEqual(told, ["no reloads", "reloads again", "no reloads", "reloads again"]);
  assert.equal(log.lines.at(-1)!.level, "error");
});

test("one at a time, none with an obstacle, and none of a file that cannot be read again", async () => {
  const { it } = handover({ start: () => new Promise(() => {}) });
  void it.run();
  assert.deepEqual(await it.run(), { handedOver: false, problem: "another upgrade is under way" });
  const busy = handover({ obstacle: () => "a reload is under way" });
  assert.deepEqual(await busy.it.run(), { handedOver: false, problem: "a reload is under way" });
  assert.deepEqual(busy.told, []);
  const piped = await handover({ start: undefined }).it.run();
  assert.match(piped.handedOver ? "" : piped.problem, /standard input/);
});
