/**
 * `npm run scenarios [-- RUNNER OPTIONS]`: the black-box scenarios of what is built, against `bin/pointsman run`.
 *
 * Every scenario of the areas below counts, but those of `scenarios-not-built.json`: a listed one may fail, and must,
 * for one that passes is built and its line there is out of date.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = path.join(root, "test/conformance");

/** An area serves the areas below it, too. */
const areas = [
  "http",
  "identifiers",
  "dtab",
  "connections",
  "retries",
  "admin",
  "namer/consul",
  "namer/fs",
  "interpreter/fs",
  "namer/rewriting",
  "namer/serversets",
  "namer/zk",
  "announcer",
  "config",
  "telemetry/prometheus",
];

interface Scenario {
  readonly id: string;
  readonly area: string;
  readonly runner: "auto" | "manual";
}

interface Result {
  readonly id: string;
  readonly verdict: "pass" | "fail" | "skip";
  readonly complaints?: readonly string[];
}

const args = process.argv.slice(2);
const runner = path.join(folder, "scenarios/run.mjs");
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const command = [runner, "--daemon", `${quoted(path.join(root, "bin/pointsman"))} run {config}`];

if (args.length > 0) {
  // Whatever the runner is asked for by hand, without the gate.
  spawn(process.execPath, [...command, ...args], { stdio: "inherit" }).on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
} else {
  process.exitCode = await gate();
}

async function gate(): Promise<number> {
  const { scenarios } = read(path.join(folder, "scenarios/scenarios.json")) as { scenarios: Scenario[] };
  const notBuilt = read(path.join(folder, "scenarios-not-built.json")) as Record<string, string>;
  const inside = scenarios.filter(({ area }) => areas.some((of) => area === of || area.startsWith(`${of}/`)));
  const manual = inside.filter((scenario) => scenario.runner === "manual");
  const only = inside.filter((scenario) => scenario.runner !== "manual").map(({ id }) => id);
  const complaints: string[] = Object.keys(notBuilt)
    .filter((id) => !only.includes(id))
    .map((id) => `FAIL ${id}: scenarios-not-built.json names it, and no built area has it`);

  let results = await run(only);
  // The scenarios watch the clock: what failed among others gets a second run by itself.
  const again = results
    .filter(({ id, verdict }) => verdict === "fail" && !(id in notBuilt))
    .map(({ id }) => id);
  if (again.length > 0) {
    const second = new Map((await run(again, 1)).map((result) => [result.id, result]));
    results = results.map((result) => second.get(result.id) ?? result);
  }

  const failed: string[] = [];
  let passed = 0;
  for (const { id, verdict, complaints: why } of results) {
    if (id in notBuilt) {
      if (verdict === "pass")
        failed.push(`FAIL ${id}: it passes, so take it out of scenarios-not-built.json`);
    } else if (verdict === "pass") passed++;
    else failed.push(`FAIL ${id}: ${why?.[0] ?? "no reason given"}`);
  }
  failed.push(...complaints);
  for (const line of failed) console.log(line);
  const left = results.filter(({ id }) => id in notBuilt).length + manual.length;
  console.log(`${passed} passed, ${failed.length} failed, ${left} skipped`);
  return failed.length === 0 ? 0 : 1;
}

function run(ids: readonly string[], jobs = Math.max(2, os.availableParallelism())): Promise<Result[]> {
  const wanted = ids.flatMap((id) => ["--only", id]);
  const child = spawn(process.execPath, [...command, "--json", "--jobs", String(jobs), ...wanted], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("close", () => {
      try {
        resolve((JSON.parse(text) as { results: Result[] }).results);
      } catch {
        reject(new Error(`the scenario runner gave no account: ${text.slice(0, 500)}`));
      }
    });
  });
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}
