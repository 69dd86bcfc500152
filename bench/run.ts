/** `npm run bench [NAME…]`: the macro benchmarks against nginx, HAProxy and http-proxy, then the micro benchmarks. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Figures, type Macro, macros } from "./lib/macro.ts";
import type { Effort } from "./lib/running.ts";
import { table } from "./lib/table.ts";
import { targets } from "./lib/targets.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const micros = readdirSync(here)
  .filter((file) => file.endsWith(".bench.ts"))
  .map((file) => file.slice(0, -".bench.ts".length));

/** Take minutes, or a machine of their own, so they run only when they are asked for. */
const byName = ["soak", "calm"];

const usage = `usage: npm run bench -- [NAME…] [options]
  macro: ${macros.map((macro) => macro.name).join(", ")}
  micro: ${micros.join(", ") || "none"}
  --rounds N         rounds per proxy, interleaved; the median counts (default 3)
  --seconds N        length of a round (default 4)
  --only A,B         only these proxies
  --also NAME=CMD    one more proxy: a command with {port} and {origin}; may be repeated
  --origin-port N    the origin's port, for a command that has it built in
  --save-baseline    keep the figures in bench/baseline.json
  --list             the names of the benchmarks`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "4" },
    only: { type: "string" },
    also: { type: "string", multiple: true, default: [] },
    "origin-port": { type: "string", default: "0" },
    "save-baseline": { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

type Results = Record<string, Record<string, Figures>>;

const effort: Effort = {
  rounds: Number(options.rounds),
  seconds: Number(options.seconds),
  originPort: Number(options["origin-port"]),
};

process.exitCode = await main();

async function main(): Promise<number> {
  if (options.help || options.list) {
    console.log(options.help ? usage : [...macros.map((macro) => macro.name), ...micros].join("\n"));
    return 0;
  }
  const known = [...macros.map((macro) => macro.name), ...micros];
  const wrong = positionals.filter((name) => !known.includes(name));

  if (wrong.length > 0 || !(effort.rounds >= 1) || !(effort.seconds >= 1)) {
    console.error(wrong.length > 0 ? `no benchmark is called ${wrong.join(", ")}\n${usage}` : usage);
    return 2;
  }
  const chosen = positionals.length > 0 ? positionals : known.filter((name) => !byName.includes(name));
  const results: Results = {};
  let failed = 0;
  if (macros.some(({ name }) => chosen.includes(name))) {
    spawnSync(`${here}../scripts/install-tools`, ["nginx", "haproxy", "wrk"], { stdio: "inherit" });
    // What was edited since the last start would be stripped of its types in the process that is measured.
    spawnSync(process.execPath, [`${here}../scripts/prepare.mjs`]);
  }
  for (const macro of macros.filter(({ name }) => chosen.includes(name))) {
    try {
      results[macro.name] = await runMacro(macro);
    } catch (error) {
      failed++;
      console.log(`  not run: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (Object.keys(results).length > 0) save(results);
  for (const name of micros.filter((micro) => chosen.includes(micro))) {
    console.log(`\n${name}`);
    failed +=
      spawnSync(process.execPath, [`${here}${name}.bench.ts`], { stdio: "inherit" }).status === 0 ? 0 : 1;
  }
  return failed === 0 ? 0 : 1;
}

async function runMacro(macro: Macro): Promise<Record<string, Figures>> {
  const only = options.only?.split(",");
  const wanted = targets(options.also).filter(({ name }) => only?.includes(name) ?? true);
  const left = wanted.filter(({ missing }) => missing !== undefined);
  const present = wanted.filter(({ missing }) => missing === undefined);
  console.log(`\n${macro.name}: ${macro.about}`);
  const figures = await macro.run(present, effort, (line) => {
    if (process.stderr.isTTY)
      process.stderr.write(`\r\x1b[2K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");
  console.log(table(figures, macro.headline, baseline()[macro.name]));
  for (const { name, missing } of left) console.log(`  not run: ${name} (${missing})`);
  return Object.fromEntries(figures);
}

function baseline(): Results {
  try {
    return (JSON.parse(readFileSync(`${here}baseline.json`, "utf8")) as { results: Results }).results;
  } catch {
    return {};
  }
}

function save(results: Results): void {
  const document = {
    date: new Date().toISOString(),
    machine: {
      cpus: os.cpus().length,
      model: os.cpus()[0]?.model,
      kernel: os.release(),
      node: process.version,
    },
    effort,
    results: options["save-baseline"] ? { ...baseline(), ...results } : results,
  };
  const text = `${JSON.stringify(document, rounded, 2)}\n`;
  mkdirSync(`${here}results`, { recursive: true });
  const file = `${here}results/${document.date.replaceAll(":", "-")}.json`;
  writeFileSync(file, text);
  if (options["save-baseline"]) writeFileSync(`${here}baseline.json`, text);
  console.log(`\nfigures: ${file}`);
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Math.round(value * 1000) / 1000 : value;
}
