/** `pointsman run` as a process: SIGHUP, `--watch`, standard input, and what systemd is told. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type TempDir, tempDir } from "../kit/temp-dir.ts";

const program = fileURLToPath(new URL("../../bin/pointsman", import.meta.url));

const yaml = (grace: number): string =>
  `admin: {port: 0, shutdownGraceMs: ${grace}}\nrouters: [{protocol: http, servers: [{port: 0}]}]\n`;

interface Run {
  readonly child: ChildProcess;
  /** Resolves with the next line of the log that has this message; lines come once. */
  line(message: string): Promise<Record<string, unknown>>;
}

const run = (
  t: TestContext,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: Record<string, string> } = {},
): Run => {
  const child = spawn(program, ["run", ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...options.env },
  });
  t.after(() => child.kill("SIGKILL"));
  child.stdin!.end(options.input ?? "");
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]();
  const line = async (message: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const { value, done } = await lines.next();
      assert.ok(done !== true, `the log ended before: ${message}`);
      const parsed = JSON.parse(value) as Record<string, unknown>;
      if (parsed["message"] === message) return parsed;
    }
  };
  return { child, line };
};

const folder = (t: TestContext): TempDir => {
  const dir = tempDir();
  t.after(() => dir[Symbol.dispose]());
  return dir;
};

const reloaded = "the configuration was reloaded";
const refused = "the configuration was not reloaded, the one before serves on";

test("SIGHUP reloads the file, a bad one is refused, and the process goes on", {
  timeout: 60_000,
}, async (t) => {
  const dir = folder(t);
  dir.write("linkerd.yaml", yaml(1000));
  const { child, line } = run(t, [path.join(dir.path, "linkerd.yaml")]);
  await line("initialized");
  dir.write("linkerd.yaml", yaml(2000));
  child.kill("SIGHUP");
  assert.equal((await line(reloaded))["why"], "SIGHUP");
  dir.write("linkerd.yaml", "routers: 7\n");
  child.kill("SIGHUP");
  assert.match(String((await line(refused))["problems"]), /linkerd\.yaml:1:10: routers: /);
  child.kill("SIGTERM");
  assert.equal((await line("shutting down"))["graceMs"], 2000, "the file before the bad one holds");
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
});

test("--watch reloads when the file changes", { timeout: 60_000 }, async (t) => {
  const dir = folder(t);
  dir.write("linkerd.yaml", yaml(1000));
  const { line } = run(t, ["--watch", path.join(dir.path, "linkerd.yaml")]);
  await line("initialized");
  dir.replace("linkerd.yaml", yaml(2000));
  assert.equal((await line(reloaded))["why"], "the file changed");
  dir.replace("linkerd.yaml", "routers: 7\n");
  assert.equal((await line(refused))["why"], "the file changed");
});

test("what came from standard input cannot be reloaded, and says so", { timeout: 60_000 }, async (t) => {
  const { child, line } = run(t, ["-"], { input: yaml(1000) });
  await line("initialized");
  child.kill("SIGHUP");
  assert.match(String((await line(refused))["problems"]), /standard input/);
});

test("systemd is told of readiness, reloads and the end", { timeout: 60_000 }, async (t) => {
  const dir = folder(t);
  dir.write("linkerd.yaml", yaml(1000));
  const told = path.join(dir.path, "told");
  dir.write("bin/systemd-notify", `#!/bin/sh\necho "$@" >> ${told}\n`);
  chmodSync(path.join(dir.path, "bin/systemd-notify"), 0o755);
  const { child, line } = run(t, [path.join(dir.path, "linkerd.yaml")], {
    env: {
      PATH: `${path.join(dir.path, "bin")}:${process.env["PATH"]}`,
      NOTIFY_SOCKET: path.join(dir.path, "socket"),
      WATCHDOG_USEC: "300000",
    },
  });
  const words = async (pattern: RegExp): Promise<void> => {
    while (!existsSync(told) || !pattern.test(readFileSync(told, "utf8"))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await line("initialized");
  await words(/^READY=1 STATUS=Serving 1 port$/m);
  await words(/^WATCHDOG=1$/m);
  child.kill("SIGHUP");
  await words(/^RELOADING=1 MONOTONIC_USEC=\d+$[\s\S]*^READY=1 STATUS=Serving, reloaded /m);
  child.kill("SIGTERM");
  await once(child, "exit");
  assert.match(readFileSync(told, "utf8"), /^STOPPING=1 STATUS=Shutting down$/m);
});
