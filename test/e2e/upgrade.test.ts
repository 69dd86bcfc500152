/** The upgrade in place: the whole program hands its sockets to a new process, under load, with nothing lost. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { eventually } from "../kit/eventually.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { fetchText, has, load, run } from "./program-rig.ts";

const timeout = 120_000;

for (const workers of [1, 2]) {
  test(`two upgrades under load lose no request with ${workers} worker(s), and the admin port goes along`, {
    timeout,
  }, async (t) => {
    const { child, port, admin, taken, signal, log } = await run(t, { workers });
    const running = load(port);
    const exited = once(child, "exit");
    signal(child.pid!, "SIGUSR2");
    await eventually(() => assert.equal(taken().length, 1), 30_000);
    assert.deepEqual(await exited, [0, null]);
    signal(taken()[0]!, "SIGUSR2");
    await eventually(() => assert.equal(taken().length, 2), 30_000);
    await eventually(() => assert.ok(has(log, "ended", 2)), 10_000);
    const { answered, wrong } = await running.end();
    assert.deepEqual(wrong, []);
    assert.ok(answered > 200, `${answered} requests`);
    assert.equal(await fetchText(admin, false, "/admin/ping"), "200 pong");
    signal(taken()[1]!, "SIGTERM");
    await eventually(() => assert.ok(has(log, "ended", 3)), 10_000);
    await assert.rejects(fetchText(port, false));
  });
}

test("a bad file leaves the old process serving, again and again", {
  timeout,
}, async (t) => {
  const { child, dir, port, signal, log, taken } = await run(t);
  const failed = "no new process has taken over, this one serves on";
  dir.write("linkerd.yaml", "routers: 7\n");
  const running = load(port);
  signal(child.pid!, "SIGUSR2");
  await eventually(() => assert.ok(has(log, failed)), 30_000);
  assert.match(
    String(log.findLast(({ message }) => message === failed)!["problem"]),
    /ended before it was ready, with code 1/,
  );
  signal(child.pid!, "SIGUSR2");
  await eventually(() => assert.ok(has(log, failed, 2)), 30_000);
  const { wrong } = await running.end();
  assert.deepEqual(wrong, []);
  assert.deepEqual(taken(), []);
});

test("another upgrade, and a reload, while the new process starts are refused with the reason", {
  timeout,
}, async (t) => {
  const { child, signal, log, taken } = await run(t);
  const problems = (): string =>
    JSON.stringify(log.flatMap(({ problem, problems }) => problem ?? problems ?? []));
  signal(child.pid!, "SIGUSR2");
  await eventually(() => assert.ok(has(log, "a new process is started")));
  signal(child.pid!, "SIGUSR2");
  signal(child.pid!, "SIGHUP");
  await eventually(() => assert.match(problems(), /another upgrade is under way/));
  await eventually(() => assert.match(problems(), /a new process is about to take over/));
  await eventually(() => assert.equal(taken().length, 1), 30_000);
  await eventually(() => assert.ok(has(log, "ended")), 10_000);
});

test("the upgrade starts the program that the name leads to by then, and the pid file and systemd follow", {
  timeout,
}, async (t) => {
  const dir = tempDir();
  t.after(() => dir[Symbol.dispose]());
  const told = path.join(dir.path, "told");
  dir.write("bin/systemd-notify", `#!/bin/sh\necho "$@" >> ${told}\n`);
  chmodSync(path.join(dir.path, "bin/systemd-notify"), 0o755);
  const pidFile = path.join(dir.path, "pid");
  const { child, taken, signal, log } = await run(t, {
    args: ["--pid-file", pidFile],
    env: {
      PATH: `${path.join(dir.path, "bin")}:${process.env["PATH"]}`,
      NOTIFY_SOCKET: path.join(dir.path, "socket"),
      WATCHDOG_USEC: "600000",
    },
  });
  const pid = (): number => Number(readFileSync(pidFile, "utf8"));
  await eventually(() => assert.equal(pid(), child.pid));
  signal(child.pid!, "SIGUSR2");
  await eventually(() => assert.equal(taken().length, 1), 30_000);
  await once(child, "exit");
  const [next] = taken();
  assert.equal(pid(), next);
  const lines = readFileSync(told, "utf8");
  assert.match(lines, new RegExp(`^READY=1 STATUS=Serving 1 port MAINPID=${next}$`, "m"));
  assert.doesNotMatch(lines, /STOPPING=1/);
  const beats = (): number => readFileSync(told, "utf8").split("WATCHDOG=1").length;
  const before = beats();
  await eventually(() => assert.ok(beats() > before, "the new process feeds the watchdog"));
  signal(next!, "SIGTERM");
  await eventually(() => assert.ok(has(log, "ended", 2)), 10_000);
  await eventually(() => assert.equal(existsSync(pidFile), false));
});
