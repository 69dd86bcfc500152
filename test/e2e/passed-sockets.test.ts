/** Sockets that systemd passes: taken by the servers with their address, and kept by systemd over a restart. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { BoundSocket } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { freePorts } from "../../scripts/lib/ports.ts";
import { eventually } from "../kit/eventually.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { answering, fetchText, has, type Line, load, program, yaml } from "./program-rig.ts";

const timeout = 60_000;

const logOf = (t: TestContext, child: ChildProcess): Line[] => {
  t.after(() => child.kill("SIGKILL"));
  const log: Line[] = [];
  createInterface(child.stdout!).on("line", (line) => void log.push(JSON.parse(line) as Line));
  return log;
};

const config = async (t: TestContext, port: number, admin: number, workers: number): Promise<string> => {
  const dir = tempDir();
  t.after(() => dir[Symbol.dispose]());
  dir.write("linkerd.yaml", yaml({ origin: await answering(t), port, admin }, workers));
  return path.join(dir.path, "linkerd.yaml");
};

test("a restart refuses nobody where somebody else holds the sockets, and those that nobody wants are told", {
  timeout,
}, async (t) => {
  const sockets = [1, 2, 3].map(() => new BoundSocket({ host: "127.0.0.1", port: 0 }));
  t.after(() => {
    for (const socket of sockets) socket.close();
  });
  const [port, admin, other] = sockets.map((socket) => (socket.address() as { port: number }).port);
  const file = await config(t, port!, admin!, 2);
  const start = (): { readonly child: ChildProcess; readonly log: Line[] } => {
    const child = spawn("/bin/sh", ["-c", 'LISTEN_PID=$$ exec "$0" "$@"', program, "run", file], {
      env: { ...process.env, LISTEN_FDS: "3", LISTEN_FDNAMES: "http:admin:other" },
      stdio: ["ignore", "pipe", "inherit", ...sockets.map((socket) => socket.fd())],
    });
    return { child, log: logOf(t, child) };
  };
  const first = start();
  await eventually(() => assert.ok(has(first.log, "initialized")), 20_000);
  const unused = first.log.find(({ message }) => message === "no server listens on a socket that was passed");
  assert.deepEqual([unused?.["port"], unused?.["name"], unused?.["level"]], [other, "other", "warn"]);
  const running = load(port!);
  await eventually(() => assert.ok(running.answered() > 50));
  for (let restarts = 0, last = first; restarts < 2; restarts++) {
    last.child.kill("SIGTERM");
    const [code] = await once(last.child, "exit");
    assert.equal(code, 0);
    last = start();
    const { log } = last;
    const before = running.answered();
    await eventually(() => assert.ok(has(log, "initialized") && running.answered() > before + 50), 20_000);
  }
  const { wrong } = await running.end();
  assert.deepEqual(wrong, []);
  assert.equal(await fetchText(admin!, false, "/admin/ping"), "200 pong");
});

const activates = ((): boolean => {
  try {
    execFileSync("systemd-socket-activate", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test("systemd-socket-activate starts it with the first connection, which is answered", {
  timeout,
  skip: activates ? false : "systemd-socket-activate is not installed",
}, async (t) => {
  const [port, admin] = (await freePorts(2)) as [number, number];
  const file = await config(t, port, admin, 1);
  const args = ["-l", `127.0.0.1:${port}`, "-l", `127.0.0.1:${admin}`, "--fdname=http:admin"];
  const child = spawn("systemd-socket-activate", [...args, program, "run", file], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = logOf(t, child);
  let said = "";
  child.stderr!.setEncoding("latin1").on("data", (chunk) => (said += chunk));
  await eventually(() => assert.match(said, /Listening on/));
  assert.equal(await fetchText(port, false), "200 fine");
  assert.equal(await fetchText(admin, false, "/admin/ping"), "200 pong");
  assert.ok(!log.some(({ level }) => level === "warn"), JSON.stringify(log));
});

test("a descriptor that is no listening socket is told, and the rest serves", { timeout }, async (t) => {
  const [port, admin] = (await freePorts(2)) as [number, number];
  const file = await config(t, port, admin, 1);
  const child = spawn("/bin/sh", ["-c", 'LISTEN_PID=$$ exec "$0" "$@"', program, "run", file], {
    env: { ...process.env, LISTEN_FDS: "2" },
    stdio: ["ignore", "pipe", "inherit", "pipe", "ignore"],
  });
  const log = logOf(t, child);
  await eventually(() => assert.ok(has(log, "a descriptor that was passed cannot be used", 2)), 20_000);
  await eventually(() => assert.ok(has(log, "initialized")), 20_000);
  assert.equal(await fetchText(port, false), "200 fine");
});
