/** What `npm start` and `npm test` do before anything is installed: the scripts in a folder of their own, with an npm that only takes notes. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { root } from "../arch/source-tree.ts";

let folder: string;
const lock = {
  packages: {
    "": {},
    "node_modules/a": { version: "1.0.0" },
    "node_modules/far": { version: "1.0.0", optional: true, os: ["plan9"] },
  },
};

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "boot strap "));
  for (const name of ["start.mjs", "run.mjs", "lib/install.mjs", "lib/launch.mjs"]) {
    cpSync(path.join(root, "scripts", name), path.join(folder, "scripts", name));
  }
  write("package.json", '{"type":"module"}');
  write("package-lock.json", JSON.stringify(lock));
  write(
    "program.mjs",
    "console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() })); process.exitCode = 7;",
  );
  write("demo/main.ts", 'console.log("demo " + process.argv.slice(2).join(" "));');
  script("bin/pointsman", 'echo "pointsman $* in $(pwd)"');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("nothing installed: npm ci runs first, then the program", () => {
  const { calls, status, stdout } = call("run.mjs", ["program.mjs", "x y"]);
  assert.deepEqual(calls, ["ci --loglevel=error"]);
  assert.deepEqual(JSON.parse(stdout), { args: ["x y"], cwd: folder });
  assert.equal(status, 7);
});

test("everything installed, packages for other systems left out: npm is not asked", () => {
  install("1.0.0");
  assert.deepEqual(call("run.mjs", ["program.mjs"]).calls, []);
});

test("a package at another version than the lock file's: npm ci runs", () => {
  install("0.9.0");
  const { calls, stderr } = call("run.mjs", ["program.mjs"]);
  assert.deepEqual(calls, ["ci --loglevel=error"]);
  assert.match(stderr, /a is not at version 1\.0\.0/);
});

test("a package whose folder is gone: npm ci runs", () => {
  install("1.0.0");
  rmSync(path.join(folder, "node_modules/a"), { recursive: true });
  assert.match(call("run.mjs", ["program.mjs"]).stderr, /a is not installed/);
});

test("npm ci fails: the program does not run, and the exit code says so", () => {
  const { status, stdout, stderr } = call("run.mjs", ["program.mjs"], "exit 1");
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /npm ci failed/);
});

test("npm start is the demo, with its options", () => {
  install("1.0.0");
  assert.equal(call("start.mjs", ["--port", "0"]).stdout, "demo --port 0\n");
  assert.equal(call("start.mjs", []).stdout, "demo \n");
});

test("npm start with a file, or with - for standard input, runs it where npm was called", () => {
  install("1.0.0");
  assert.equal(call("start.mjs", ["linkerd.yaml"]).stdout, `pointsman run linkerd.yaml in ${os.tmpdir()}\n`);
  assert.equal(call("start.mjs", ["-"]).stdout, `pointsman run - in ${os.tmpdir()}\n`);
});

/** Runs one of the scripts; `npm` is what the stand-in does after taking its note. */
function call(name: string, args: readonly string[], npm = "exit 0") {
  script("tools/npm", `echo "$*" >> '${folder}/calls'\n${npm}`);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${path.join(folder, "tools")}:/usr/bin:/bin`,
    INIT_CWD: os.tmpdir(),
  };
  delete env["npm_execpath"];
  const result = spawnSync(process.execPath, [path.join(folder, "scripts", name), ...args], {
    encoding: "utf8",
    env,
  });
  const notes = path.join(folder, "calls");
  const calls = existsSync(notes) ? readFileSync(notes, "utf8").trim().split("\n") : [];
  return { ...result, calls };
}

/** node_modules as npm leaves it, with `a` at a version. */
function install(version: string): void {
  write("node_modules/.package-lock.json", JSON.stringify({ packages: { "node_modules/a": { version } } }));
  mkdirSync(path.join(folder, "node_modules/a"));
}

function write(name: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
}

function script(name: string, text: string): void {
  write(name, `#!/bin/sh\n${text}\n`);
  chmodSync(path.join(folder, name), 0o755);
}
