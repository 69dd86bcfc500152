/** `/admin/metrics.json`: every series, flat or as a tree, whole or below a name. */
import type { MetricSeries, StatSummary } from "../../../plugins/contract.ts";
import { fullName, type MetricsStore } from "../metrics-store.ts";
import { flag, json, type Page, type Reply, readOnly } from "./page.ts";

/** The page. */
export const metricsPage = (store: MetricsStore): Page =>
  readOnly(({ query }) => {
    const under = (query.get("q") ?? "").replace(/^\/+|\/+$/g, "");
    const found = under === "" ? store.series().map(whole) : below(store, under);
    if (found.length === 0 && under !== "") return json({ error: `No such subtree: ${under}` }, 404);
    const pretty = flag(query, "pretty");
    if (flag(query, "tree"))
      return document(pretty ? JSON.stringify(tree(found), null, 2) : JSON.stringify(tree(found)));
    return document(flat(found, pretty));
  }, "every metric; tree=true nests them, q=rt/http/server selects, pretty=true indents");

/** A series with how many of its elements are above what was asked for. */
interface Found {
  readonly series: MetricSeries;
  readonly above: number;
}

const whole = (series: MetricSeries): Found => ({ series, above: 0 });

/** The series below a name. An element may hold a `/`, as a server's address does. */
const below = (store: MetricsStore, under: string): readonly Found[] => {
  const found: Found[] = [];
  for (const series of store.series()) {
    if (!fullName(series).startsWith(`${under}/`)) continue;
    const parts = elements(series);
    let length = -1;
    for (let above = 0; above < parts.length; above += 1) {
      length += parts[above]!.length + 1;
      if (length === under.length) found.push({ series, above: above + 1 });
    }
  }
  return found;
};

const document = (body: string | Iterable<string>): Reply => ({
  status: 200,
  contentType: "application/json; charset=utf-8",
  body,
});

const parts = new WeakMap<MetricSeries, readonly string[]>();

/** Scopes and the elements of the name. */
const elements = (series: MetricSeries): readonly string[] => {
  let known = parts.get(series);
  if (known === undefined) {
    known = [...series.scopes, ...series.name.split("/")];
    parts.set(series, known);
  }
  return known;
};

// === Flat ===

const keys = new WeakMap<MetricSeries, string>();

/** The name as it stands in JSON, without the closing quote; kept with the series. */
const keyOf = ({ series, above }: Found): string => {
  if (above > 0) return open(elements(series).slice(above).join("/"));
  let key = keys.get(series);
  if (key === undefined) {
    key = open(fullName(series));
    keys.set(series, key);
  }
  return key;
};

const open = (name: string): string => JSON.stringify(name).slice(0, -1);

/** Parts of about this size are handed on, so that nobody waits for the whole page. */
const partLength = 65_536;

function* flat(found: readonly Found[], pretty: boolean): Generator<string> {
  const separator = pretty ? ",\n  " : ",";
  let text = pretty ? "{\n  " : "{";
  let first = true;
  for (const each of found) {
    const { series } = each;
    const key = keyOf(each);
    const values: readonly (readonly [string, number])[] =
      series.type === "stat" ? statValues(series.snapshot) : [["", series.value]];
    for (const [suffix, value] of values) {
      text += `${first ? "" : separator}${key}${suffix}":${pretty ? " " : ""}${showNumber(value)}`;
      first = false;
    }
    if (text.length < partLength) continue;
    yield text;
    text = "";
  }
  yield `${text}${pretty ? "\n}\n" : "}"}`;
}

/** A gauge that is no number would break the document. */
const showNumber = (value: number): string => (Number.isFinite(value) ? String(value) : "0");

/** What is told of a distribution: nothing before the first interval has closed, the count alone if it is 0. */
const statValues = (snapshot: StatSummary | undefined): readonly (readonly [string, number])[] => {
  if (snapshot === undefined) return [];
  if (snapshot.count === 0) return [[".count", 0]];
  const { count, sum, min, max, avg, quantiles } = snapshot;
  return [
    [".count", count],
    [".max", round(max)],
    [".min", round(min)],
    [".p50", round(quantiles["0.5"]!)],
    [".p90", round(quantiles["0.9"]!)],
    [".p95", round(quantiles["0.95"]!)],
    [".p99", round(quantiles["0.99"]!)],
    [".p9990", round(quantiles["0.999"]!)],
    [".p9999", round(quantiles["0.9999"]!)],
    [".sum", round(sum)],
    [".avg", round(avg)],
  ];
};

const round = (value: number): number => Math.round(value * 1000) / 1000;

// === As a tree ===

type Tree = { [name: string]: Tree | number };

const tree = (found: readonly Found[]): Tree => {
  const root: Tree = Object.create(null);
  for (const { series, above } of found) {
    let node = root;
    for (const element of elements(series).slice(above)) {
      const next = (node[element] ??= Object.create(null) as Tree);
      node = next as Tree;
    }
    if (series.type === "stat")
      for (const [suffix, value] of statValues(series.snapshot)) node[`stat${suffix}`] = value;
    else node[series.type] = Number.isFinite(series.value) ? series.value : 0;
  }
  return root;
};
