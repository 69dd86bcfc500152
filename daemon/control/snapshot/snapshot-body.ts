/** The body of the snapshot: prefix of the namer, source, and the names with their ages, a line each. */
import { setImmediate as turn } from "node:timers/promises";
import type { KeptName } from "../../../plugins/contract.ts";
import type { KeptSources, NamerNames } from "./namer-names.ts";
import { readPlainData, showPlainData } from "./plain-data.ts";

/** A body to write. */
export interface SnapshotBody {
  readonly text: string;
  readonly names: number;
  /** Names that there was no room for: those that were confirmed longest ago. */
  readonly left: number;
}

/** So many names are written before the event loop turns. */
const namesPerTurn = 500;

interface Line {
  readonly namer: string;
  readonly source: string;
  readonly at: number;
  readonly text: string;
}

/** Writes what the namers know, in at most `maxBytes`. */
export async function showBody(namers: Iterable<NamerNames>, maxBytes: number): Promise<SnapshotBody> {
  const lines: Line[] = [];
  let bytes = 0;
  for (const namer of namers) {
    for (const [source, names] of namer.sources()) {
      for (const { name, at, value } of names) {
        const text = showPlainData([name, at, value]);
        lines.push({ namer: namer.prefix, source, at, text });
        bytes += Buffer.byteLength(text) + 2;
        if (lines.length % namesPerTurn === 0) await turn();
      }
    }
  }
  // The frame takes some, too.
  const kept = bytes > maxBytes * 0.9 ? youngest(lines, maxBytes * 0.9) : lines;
  return { text: frame(kept), names: kept.length, left: lines.length - kept.length };
}

/** Reads what was confirmed after `since`, by the prefix of the namer; throws for what is no body. */
export function readBody(text: string, since: number): Map<string, KeptSources> {
  type Body = Record<string, Record<string, [name: string, at: number, value: unknown][]>>;
  const body = readPlainData(text) as Body;
  const young = (names: Body[string][string]): KeptName[] =>
    names.filter(([, at]) => at > since).map(([name, at, value]) => ({ name, at, value }));
  return new Map(
    Object.entries(body).map(([prefix, sources]) => [
      prefix,
      new Map(Object.entries(sources).map(([source, names]) => [source, young(names)])),
    ]),
  );
}

function youngest(lines: readonly Line[], maxBytes: number): readonly Line[] {
  const sorted = lines.toSorted((a, b) => b.at - a.at);
  let bytes = 0;
  return sorted.filter(({ text }) => (bytes += Buffer.byteLength(text) + 2) <= maxBytes);
}

function frame(lines: readonly Line[]): string {
  const namers = [...Map.groupBy(lines, ({ namer }) => namer)].map(([namer, ofNamer]) => {
    const sources = [...Map.groupBy(ofNamer, ({ source }) => source)].map(
      ([source, names]) => `${JSON.stringify(source)}:[\n${names.map(({ text }) => text).join(",\n")}]`,
    );
    return `${JSON.stringify(namer)}:{${sources.join(",")}}`;
  });
  return `{${namers.join(",")}}\n`;
}
