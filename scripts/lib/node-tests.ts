/** Runs test files with node:test; a line per file, the whole story of what failed, and a count. */
import path from "node:path";
import { run } from "node:test";

/** How a stage of the tests ended. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** A file that hangs is ended, and fails: `run`'s own time limit ends tests, not what they left open. */
const fileTimeoutMs = 180_000;

/** Runs the files, each in a process of its own, so many at a time. */
export async function runTestFiles(
  files: readonly string[],
  root: string,
  concurrency: number,
): Promise<Tally> {
  const waiting = [...files];
  const done: { readonly name: string; readonly tally: Tally; readonly ms: number }[] = [];
  const lane = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const begun = performance.now();
      const name = path.relative(root, file);
      done.push({ name, tally: await runTestFile(file, name, root), ms: performance.now() - begun });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  const total: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, tally, ms } of done.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const { passed, failed, skipped } = tally;
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    const rest = `${failed > 0 ? `, ${failed} FAILED` : ""}${skipped > 0 ? `, ${skipped} skipped` : ""}`;
    console.log(`  ${name.padEnd(50)} ${String(passed).padStart(4)} ok${rest}  (${Math.round(ms)} ms)`);
  }
  return total;
}

async function runTestFile(file: string, name: string, root: string): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  for await (const event of run({ files: [file], cwd: root, signal: AbortSignal.timeout(fileTimeoutMs) })) {
    if (event.type === "test:stderr") process.stderr.write(event.data.message);
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { details, skip, todo } = event.data;
    if (details.type === "suite") continue;
    const outcome = event.type === "test:fail" && !todo ? "failed" : skip || todo ? "skipped" : "passed";
    tally[outcome]++;
    if (event.type !== "test:fail" || outcome !== "failed") continue;
    console.log(`FAIL ${name} › ${event.data.name}\n${indented(story(event.data.details.error))}`);
  }
  return tally;
}

function story(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return cause.stack ?? cause.message;
}

const indented = (text: string): string => text.replaceAll(/^/gm, "     ");
