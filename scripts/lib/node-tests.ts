/** Runs test files with node:test; a line per file, the whole story of what failed, and a count. */
import path from "node:path";
import { run } from "node:test";

/** How a stage of the tests ended. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** A file that hangs is ended, and fails. */
const fileTimeoutMs = 180_000;

/** Runs the files, each in a process of its own. */
export async function runTestFiles(
  files: readonly string[],
  root: string,
  concurrency: number,
): Promise<Tally> {
  const total: Tally = { passed: 0, failed: 0, skipped: 0 };
  const perFile = new Map<string, Tally & { ms: number }>();
  const of = (file: string | undefined) => {
    const name = path.relative(root, file ?? "unknown");
    let tally = perFile.get(name);
    if (tally === undefined) perFile.set(name, (tally = { passed: 0, failed: 0, skipped: 0, ms: 0 }));
    return tally;
  };
  const stream = run({ files: [...files], concurrency, cwd: root, timeout: fileTimeoutMs });
  for await (const event of stream) {
    if (event.type === "test:stderr") process.stderr.write(event.data.message);
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { name, details, file, skip, todo } = event.data;
    const tally = of(file);
    if (details.type === "suite") continue;
    tally.ms += event.data.nesting === 0 ? details.duration_ms : 0;
    const outcome = event.type === "test:fail" && !todo ? "failed" : skip || todo ? "skipped" : "passed";
    tally[outcome]++;
    total[outcome]++;
    if (event.type !== "test:fail" || outcome !== "failed") continue;
    console.log(
      `FAIL ${path.relative(root, file ?? "")} › ${name}\n${indented(story(event.data.details.error))}`,
    );
  }
  for (const [file, { passed, failed, skipped, ms }] of [...perFile].toSorted()) {
    const rest = `${failed > 0 ? `, ${failed} FAILED` : ""}${skipped > 0 ? `, ${skipped} skipped` : ""}`;
    console.log(`  ${file.padEnd(50)} ${String(passed).padStart(4)} ok${rest}  (${Math.round(ms)} ms)`);
  }
  return total;
}

function story(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return cause.stack ?? cause.message;
}

const indented = (text: string): string => text.replaceAll(/^/gm, "     ");
