/**
 * `npm run test:backends`: the namers against the real programs, in test/backends/*.backend.ts.
 *
 * Builds what it needs once, into `$POINTSMAN_TEST_BIN` (by default ~/.cache/pointsman-test/bin), and says how. What
 * cannot be built on this machine is named and left out. Its last line is `N passed, N failed, N skipped`.
 */
import { spawn, spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = path.join(root, "test/backends");

const consul = { build: ["consul"], tool: "go", why: "Go 1.26 or newer builds the Consul agent" };
const kube = {
  build: ["etcd", "kube-apiserver"],
  tool: "go",
  why: "Go 1.26 or newer builds the API server",
};
const zookeeper = { build: ["zookeeper"], tool: "mvn", why: "Maven fetches ZooKeeper, and Java runs it" };
/** What a file needs, by the first word of its name. */
const needs = { consul, kube, zookeeper };

const has = (tool) =>
  spawnSync(tool, [tool === "go" ? "version" : "--version"], { stdio: "ignore" }).status === 0;
const run = (command, args, options = {}) =>
  spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });

const wanted = process.argv.slice(2);
const names = globSync("*.backend.ts", { cwd: folder })
  .map((file) => file.replace(".backend.ts", ""))
  .filter((name) => wanted.length === 0 || wanted.includes(name))
  .toSorted();
const total = { passed: 0, failed: 0, skipped: 0 };

// What can be built is, before anything is timed.
const runnable = names.filter((name) => {
  const { build, tool, why } = needs[name.split("-")[0]];
  if (!has(tool)) {
    console.log(`NOT RUN: ${name}.backend.ts. ${tool} is not on the PATH, and ${why}.`);
    total.skipped++;
    return false;
  }
  console.log(`test/backends/build.sh ${build.join(" ")}   (minutes the first time, nothing afterwards)`);
  if (run(path.join(folder, "build.sh"), build).status === 0) return true;
  console.log(`NOT RUN: ${name}.backend.ts. Its backend could not be built; the lines above tell why.`);
  total.failed++;
  return false;
});

// A file mostly waits for faults to heal, so the files of different backends run side by side; those of one do not.
await Promise.all(
  Object.keys(needs).map(async (backend) => {
    for (const name of runnable.filter((each) => each.split("-")[0] === backend)) await runFile(name);
  }),
);

console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** Runs a file, shows what it wrote when it has ended, and counts. */
async function runFile(name) {
  const file = path.join(folder, `${name}.backend.ts`);
  // What a proxy that makes faults leaves open, or a test that broke down, holds nobody up.
  const args = ["--test", "--test-reporter=spec", "--test-timeout=300000", "--test-force-exit", file];
  const stdout = await output(process.execPath, args);
  console.log(`\n── ${name} ${"─".repeat(Math.max(0, 70 - name.length))}\n${stdout.trimEnd()}`);
  const count = (word) => Number(new RegExp(`^ℹ ${word} (\\d+)`, "m").exec(stdout)?.[1] ?? 0);
  total.passed += count("pass");
  // A file that breaks down before its tests counts as one that failed.
  total.failed += count("fail") + count("cancelled") || (count("pass") === 0 ? 1 : 0);
  total.skipped += count("skipped");
}

/** What a command wrote until it ended. */
function output(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part) => {
    text += part;
  });
  // Programs that it left running may hold the pipe open.
  return new Promise((resolve) => child.on("exit", () => setTimeout(() => resolve(text), 200)));
}
