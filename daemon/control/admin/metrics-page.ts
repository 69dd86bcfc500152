/** `/admin/metrics.json`: every series, flat or as a tree, whole or below a name. */
import type { MetricSeries, StatSummary } from "../../../plugins/contract.ts";
import type { MetricsStore } from "../metrics-store.ts";
import { flag, json, type Page, type Reply, readOnly } from "./page.ts";

/** The page. */
export const metricsPage = (store: MetricsStore): Page =>
  readOnly(({ query }) => {
    const under = (query.get("q") ?? "").replace(/^\/+|\/+$/g, "");
    const pretty = flag(query, "pretty");
    const nested = flag(query, "tree");
    if (under === "") return document(nested ? tree(below(store, ""), pretty) : flat(whole(store), pretty));
    const found = [...below(store, under)];
    if (found.length === 0) return json({ error: `No such subtree: ${under}` }, 404);
    return document(nested ? tree(found, pretty) : flat(found.map(toEntry), pretty));
  }, "every metric; tree=true nests them, q=rt/http/server selects, pretty=true indents");

const document = (body: Iterable<string>): Reply => ({
  status: 200,
  contentType: "application/json; charset=utf-8",
  body,
});

/** A series with the elements of its name, less those that were asked for. */
interface Found {
  readonly series: MetricSeries;
  readonly elements: readonly string[];
}

/** The series below a name, all for none. An element may hold a `/`, as a server's address does. */
function* below(store: MetricsStore, under: string): Generator<Found> {
  const walk = store.walk();
  let scopes: readonly string[] = [];
  let prefix: string | undefined;
  for (let series = walk.next(); series !== undefined; series = walk.next()) {
    if (under !== "" && !`${walk.prefix}${series.name}`.startsWith(`${under}/`)) continue;
    if (walk.prefix !== prefix) {
      prefix = walk.prefix;
      scopes = series.scopes;
    }
    const elements = [...scopes, ...series.name.split("/")];
    if (under === "") yield { series, elements };
    let length = -1;
    for (let above = 0; above < elements.length; above += 1) {
      length += elements[above]!.length + 1;
      if (length === under.length) yield { series, elements: elements.slice(above + 1) };
    }
  }
}

// === Flat ===

/** A series with its name as it stands in JSON, without the quotes. */
interface Entry {
  series: MetricSeries;
  key: string;
}

const toEntry = ({ series, elements }: Found): Entry => ({ series, key: inJson(elements.join("/")) });

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/** Every series; the entry is the same each time, since there may be hundreds of thousands. */
function* whole(store: MetricsStore): Generator<Entry> {
  const walk = store.walk(inJson);
  const names = new Map<string, string>();
  let entry: Entry | undefined;
  for (let series = walk.next(); series !== undefined; series = walk.next()) {
    let name = names.get(series.name);
    if (name === undefined) names.set(series.name, (name = inJson(series.name)));
    entry ??= { series, key: "" };
    entry.series = series;
    entry.key = walk.prefix + name;
    yield entry;
  }
}

/** Parts of about this size are handed on, so that nobody waits for the whole page. */
const partLength = 65_536;

function* flat(entries: Iterable<Entry>, pretty: boolean): Generator<string> {
  const start = pretty ? '{\n  "' : '{"';
  const separator = pretty ? ',\n  "' : ',"';
  const colon = pretty ? '": ' : '":';
  let text = "";
  let before = start;
  for (const { series, key } of entries) {
    if (series.type !== "stat") {
      text += before + key + colon + showNumber(series.value);
      before = separator;
    } else if (series.snapshot !== undefined) {
      for (const [suffix, told] of series.snapshot.count === 0 ? countOnly : statValues) {
        text += before + key + suffix + colon + told(series.snapshot);
        before = separator;
      }
    }
    if (text.length < partLength) continue;
    yield text;
    text = "";
  }
  if (before === start) text += pretty ? "{\n  " : "{";
  yield `${text}${pretty ? "\n}\n" : "}"}`;
}

/** A gauge that is no number would break the document. */
const showNumber = (value: number): string => (Number.isFinite(value) ? String(value) : "0");

const round = (value: number): number => Math.round(value * 1000) / 1000;

type Told = readonly (readonly [suffix: string, told: (snapshot: StatSummary) => number])[];

/** What is told of a distribution in whose last interval nothing was. */
const countOnly: Told = [[".count", ({ count }) => count]];

/** What is told of a distribution; nothing before the first interval has closed. */
const statValues: Told = [
  ...countOnly,
  [".max", ({ max }) => round(max)],
  [".min", ({ min }) => round(min)],
  [".p50", ({ quantiles }) => round(quantiles["0.5"]!)],
  [".p90", ({ quantiles }) => round(quantiles["0.9"]!)],
  [".p95", ({ quantiles }) => round(quantiles["0.95"]!)],
  [".p99", ({ quantiles }) => round(quantiles["0.99"]!)],
  [".p9990", ({ quantiles }) => round(quantiles["0.999"]!)],
  [".p9999", ({ quantiles }) => round(quantiles["0.9999"]!)],
  [".sum", ({ sum }) => round(sum)],
  [".avg", ({ avg }) => round(avg)],
];

// === As a tree ===

type Tree = { [name: string]: Tree | number };

/** Series that find their place, between two parts. */
const placedAtOnce = 1_000;
/** Levels below the root that are written child by child: there may be thousands of clients, with few series each. */
const wideLevels = 4;

function* tree(found: Iterable<Found>, pretty: boolean): Generator<string> {
  const root: Tree = Object.create(null);
  let done = 0;
  for (const { series, elements } of found) {
    let node = root;
    for (const element of elements) {
      const next = (node[element] ??= Object.create(null) as Tree);
      node = next as Tree;
    }
    if (series.type !== "stat") node[series.type] = Number.isFinite(series.value) ? series.value : 0;
    else if (series.snapshot !== undefined)
      for (const [suffix, told] of series.snapshot.count === 0 ? countOnly : statValues)
        node[`stat${suffix}`] = told(series.snapshot);
    if (++done % placedAtOnce === 0) yield "";
  }
  let text = "";
  for (const piece of pieces(root, wideLevels, pretty ? "\n" : "")) {
    text += piece;
    if (text.length < partLength) continue;
    yield text;
    text = "";
  }
  yield text;
}

/** What `JSON.stringify` makes of a tree; `line` begins its lines, empty for none. */
function* pieces(node: Tree, levels: number, line: string): Generator<string> {
  const names = Object.keys(node);
  if (levels === 0 || names.length === 0) {
    yield line === "" ? JSON.stringify(node) : JSON.stringify(node, null, 2).replaceAll("\n", line);
    return;
  }
  const inner = line === "" ? "" : `${line}  `;
  let before = "{";
  for (const name of names) {
    const value = node[name]!;
    yield `${before}${inner}${JSON.stringify(name)}:${line === "" ? "" : " "}`;
    if (typeof value === "number") yield String(value);
    else yield* pieces(value, levels - 1, inner);
    before = ",";
  }
  yield `${line}}`;
}
