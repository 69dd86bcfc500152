/** One benchmark's figures as a table: a line per proxy, and its ratio to the better of nginx and HAProxy. */
import { type Figures, shown } from "./macro.ts";

/** Renders the figures; `before` are those of the baseline. */
export function table(
  figures: ReadonlyMap<string, Figures>,
  headline: string,
  before: Readonly<Record<string, Figures>> | undefined,
): string {
  const columns = Object.keys([...figures.values()][0] ?? {});
  const now = best(Object.fromEntries(figures), headline);
  const then = best(before ?? {}, headline);
  const lines = [["", ...columns, "ratio", "baseline"]];
  for (const [target, row] of figures) {
    const ratio = (row[headline] ?? Number.NaN) / now;
    const earlier = (before?.[target]?.[headline] ?? Number.NaN) / then;
    lines.push([
      target,
      ...columns.map((column) => shown(row[column] ?? Number.NaN)),
      shown(ratio),
      shown(earlier),
    ]);
  }
  const widths = lines[0]?.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0))) ?? [];
  const text = lines.map((line) =>
    line
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  const reference = Number.isFinite(now)
    ? `ratio: ${headline} to the better of nginx and HAProxy`
    : "no nginx or HAProxy here";
  return `  ${text.join("\n  ")}\n  (${reference})`;
}

function best(rows: Readonly<Record<string, Figures>>, headline: string): number {
  const references = [rows["nginx"]?.[headline], rows["haproxy"]?.[headline]].filter(
    (value) => value !== undefined,
  );
  return references.length > 0 ? Math.min(...references) : Number.NaN;
}
