/** The npm package is whole: packed, unpacked where npm would put it, and run. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { root } from "../arch/source-tree.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "pointsman-package-"));
const modules = path.join(folder, "lib/node_modules");
const command = path.join(folder, "bin/pointsman");

before(() => {
  const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
  });
  const archive = path.join(folder, packed.trim().split("\n").at(-1) ?? "");
  mkdirSync(path.join(modules, "pointsman"), { recursive: true });
  execFileSync("tar", ["-xzf", archive, "--strip-components=1", "-C", path.join(modules, "pointsman")]);
  // What `npm install` would fetch is in the checkout already.
  for (const name of readdirSync(path.join(root, "node_modules"))) {
    if (!name.startsWith(".")) symlinkSync(path.join(root, "node_modules", name), path.join(modules, name));
  }
  mkdirSync(path.dirname(command));
  symlinkSync("../lib/node_modules/pointsman/bin/pointsman", command);
});
after(() => rmSync(folder, { recursive: true, force: true }));

test("the packed program tells its version", () => {
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
    version: string;
  };
  assert.match(run(["--version"]).stdout, new RegExp(`pointsman ${version.replaceAll(".", "\\.")} `));
});

test("the packed program checks a configuration with its plugins", () => {
  mkdirSync(path.join(folder, "disco"));
  const file = path.join(folder, "linkerd.yaml");
  writeFileSync(
    file,
    `namers:\n- kind: io.l5d.fs\n  rootDir: ${folder}/disco\nrouters:\n- protocol: http\n  dtab: /svc => /#/io.l5d.fs\n  servers: [{ port: 0 }]\n`,
  );
  const good = run(["check", file]);
  assert.equal(good.status, 0, good.stderr);
  writeFileSync(file, "routers:\n- protocol: http\n  servers: [{ prot: 4140 }]\n");
  const bad = run(["check", file]);
  assert.equal(bad.status, 1);
  assert.match(bad.stdout + bad.stderr, /linkerd\.yaml:3:\d+: .*prot/);
});

test("the package holds the program and nothing of its tests", () => {
  const names = readdirSync(path.join(modules, "pointsman"), { recursive: true, encoding: "utf8" });
  assert.ok(names.includes("dist/daemon/data/worker.js"));
  assert.deepEqual(
    names.filter(
      (name) => /^(test|bench|demo|scripts|node_modules)\b/.test(name) || /(?<!\.d)\.ts$/.test(name),
    ),
    [],
  );
});

function run(args: readonly string[]) {
  return spawnSync(command, args, { encoding: "utf8", timeout: 20_000 });
}
