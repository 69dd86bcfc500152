/**
 * Runs the conformance vectors: `node test/conformance/run.ts [AREA…]`.
 *
 * Each area with an adapter (`areas/<area>.ts`) has all of its cases run; areas without one are skipped. The vectors
 * are read from `CONFORMANCE_DIR`, or from this folder. The exit status is 1 if a case failed.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Adapter, TestCase } from "./support/case.ts";

interface Area {
  readonly area: string;
  readonly cases: readonly TestCase[];
}

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

const here = import.meta.dirname;
const totals: Totals = { passed: 0, failed: 0, skipped: 0 };

for (const area of chosenAreas(process.argv.slice(2))) await runArea(area);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
// Whatever an adapter left open must not keep the run alive.
process.exit(totals.failed > 0 ? 1 : 0);

function chosenAreas(names: readonly string[]): Area[] {
  const folder = join(process.env["CONFORMANCE_DIR"] ?? here, "vectors");
  const all = readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    console.error(`no such area: ${unknown.join(", ")}; there are ${all.join(", ")}`);
    process.exit(2);
  }
  const chosen = names.length > 0 ? names : all;
  return chosen.map((name) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Area);
}

async function runArea({ area, cases }: Area): Promise<void> {
  const file = join(here, "areas", `${area}.ts`);
  if (!existsSync(file)) {
    totals.skipped += cases.length;
    console.log(`${area}: skipped, ${cases.length} cases`);
    return;
  }
  const { default: adapter } = (await import(file)) as { default: Adapter };
  let failed = 0;
  for (const testCase of cases) {
    const reason = await complaint(adapter, testCase);
    if (reason === undefined) continue;
    failed++;
    console.log(`FAIL ${testCase.id}: ${reason}`);
  }
  totals.passed += cases.length - failed;
  totals.failed += failed;
  console.log(`${area}: ${cases.length - failed} of ${cases.length} passed`);
}

/** Why a case failed, in one line; undefined if it passed. */
async function complaint(adapter: Adapter, testCase: TestCase): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("no result within 10 s")), 10_000);
  });
  try {
    await Promise.race([(async () => adapter(testCase))(), timeout]);
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const line = text.replace(/\s+/g, " ").trim();
    return line.length > 400 ? `${line.slice(0, 400)}…` : line;
  } finally {
    clearTimeout(timer);
  }
}
