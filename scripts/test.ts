/**
 * `npm test [-- STAGE…]`: types, lint, tests, conformance, scenarios and hardness, then one line with the sum of all.
 *
 * A word that is no stage picks test files whose path contains it.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { runTestFiles, type Tally } from "./lib/node-tests.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Stage {
  readonly name: string;
  run(): Promise<Tally>;
}

const pattern = process.argv
  .slice(2)
  .filter((word) => !/^(types|lint|tests|conformance|scenarios|hardness)$/.test(word));
const asked = process.argv.slice(2).filter((word) => !pattern.includes(word));

const stages: readonly Stage[] = [
  { name: "types", run: () => check(["node_modules/.bin/tsc", "-p", "tsconfig.json"]) },
  { name: "lint", run: () => check(["node_modules/.bin/biome", "check", "--error-on-warnings"]) },
  { name: "tests", run: tests },
  { name: "conformance", run: () => counted([process.execPath, "test/conformance/run.ts"]) },
  { name: "scenarios", run: () => counted([process.execPath, "scripts/scenarios.ts"]) },
  { name: "hardness", run: () => counted([process.execPath, "scripts/hardness.ts"]) },
];

const chosen = stages.filter(({ name }) =>
  asked.length > 0 ? asked.includes(name) : pattern.length === 0 || name === "tests",
);
const results: { name: string; tally: Tally; seconds: number }[] = [];
for (const { name, run } of chosen) {
  console.log(`\n── ${name} ${"─".repeat(Math.max(0, 70 - name.length))}`);
  const begun = performance.now();
  const tally = await run();
  results.push({ name, tally, seconds: (performance.now() - begun) / 1000 });
}

console.log("");
for (const { name, tally, seconds } of results) {
  const verdict = tally.failed === 0 ? "ok    " : "FAILED";
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} left out` : "";
  console.log(
    `${verdict} ${name.padEnd(12)} ${tally.passed} of ${tally.passed + tally.failed}${skipped}  (${seconds.toFixed(1)} s)`,
  );
}
const sum = (key: keyof Tally): number => results.reduce((total, { tally }) => total + tally[key], 0);
console.log(`\n${sum("passed")} passed, ${sum("failed")} failed`);
process.exitCode = sum("failed") === 0 && sum("passed") > 0 ? 0 : 1;

async function tests(): Promise<Tally> {
  const files = globSync("test/**/*.test.ts", {
    cwd: root,
    exclude: ["test/conformance/{vectors,scenarios,hardness}/**"],
  })
    .filter((file) => pattern.length === 0 || pattern.some((word) => file.includes(word)))
    .map((file) => path.join(root, file))
    .toSorted();
  return runTestFiles(files, root, Math.max(1, Math.min(4, os.availableParallelism())));
}

/** A tool that counts as one check. */
async function check(command: readonly string[]): Promise<Tally> {
  const { code } = await shown(command, (line) => console.log(line));
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

/** A runner that ends with `N passed, N failed[, N skipped]`; that line is read, not shown. */
async function counted(command: readonly string[]): Promise<Tally> {
  let last: RegExpExecArray | null = null;
  const { code } = await shown(command, (line) => {
    const closing = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(line);
    if (closing !== null) last = closing;
    else if (!/^(PASS|SKIP) /.test(line)) console.log(line);
  });
  const [, passed = 0, failed = 0, skipped = 0] = (last ?? []).map(Number);
  const crashed = last === null || (code !== 0 && failed === 0);
  if (crashed) console.log(`FAIL ${command.at(-1)} ended with status ${code} and no account of its own`);
  return { passed, failed: failed + (crashed ? 1 : 0), skipped };
}

function shown(
  [command = "", ...args]: readonly string[],
  line: (text: string) => void,
): Promise<{ code: number }> {
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let rest = "";
  const read = (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) line(text);
  };
  child.stdout.on("data", read);
  child.stderr.on("data", (chunk: Buffer) => process.stdout.write(chunk));
  return new Promise((resolve) => {
    child.on("error", (error) => {
      line(String(error));
      resolve({ code: 127 });
    });
    child.on("close", (code) => {
      if (rest !== "") line(rest);
      resolve({ code: code ?? 1 });
    });
  });
}
