/**
 * `io.l5d.prometheus`: the series as Prometheus reads them, on a page of the admin server.
 *
 * Names and labels are Linkerd 1's, so that its dashboards go on: scopes joined by `:`, of which routers, servers,
 * services, clients and exceptions are labels. `names: prometheus`, or `?names=prometheus` on the page, gives the names
 * that Prometheus itself advises.
 * Counts and sums are of all time (Linkerd 1 began anew each minute); quantiles are of the last interval.
 */
import { Type } from "../../config/type.ts";
import { definePlugin, type MetricSeries, type MetricsReader, type Telemeter } from "../contract.ts";
import {
  type FamilyName,
  labelled,
  linkerdNames,
  type Naming,
  prometheusNames,
} from "../lib/prometheus-names.ts";

export default definePlugin({
  slot: "telemeter",
  kind: "io.l5d.prometheus",
  schema: Type.Object({
    path: Type.String({
      default: "/admin/metrics/prometheus",
      pattern: "^/",
      description: "The page on the admin server.",
    }),
    prefix: Type.String({ default: "", description: "Put in front of every name." }),
    names: Type.Enum(["linkerd", "prometheus"], {
      default: "linkerd",
      description: "linkerd: the names of Linkerd 1; prometheus: those that Prometheus advises.",
    }),
  }),
  create: ({ path, prefix, names }): Telemeter => {
    const expositions = {
      linkerd: new Exposition(prefix, linkerdNames),
      prometheus: new Exposition(prefix, prometheusNames),
    };
    return {
      routes: [
        {
          path,
          contentType: "text/plain; version=0.0.4; charset=utf-8",
          // `?names=` asks for the other names on the same page.
          render: (metrics, { query }) => {
            const asked = query.get("names") ?? names;
            return (asked === "prometheus" ? expositions.prometheus : expositions.linkerd).render(metrics);
          },
        },
      ],
    };
  },
});

/** A series under one name. */
interface Sample {
  readonly series: MetricSeries;
  readonly labels: string;
}

/** All samples of one name. */
interface Family extends FamilyName {
  readonly head: string;
  readonly show: Show;
  readonly samples: Sample[];
}

/** The lines of a sample; none where there is nothing to tell. */
type Show = (name: FamilyName, sample: Sample) => string;

/** Parts of about this size are handed on, so that nobody waits for the whole page. */
const partLength = 65_536;
/** Series whose names are made between two parts. */
const groupedAtOnce = 2_000;

/** The page; names and labels are made anew only when a series has begun or ended. */
class Exposition {
  readonly #prefix: string;
  readonly #naming: Naming;
  #series: Iterable<MetricSeries> | undefined;
  #families: Iterable<Family> = [];

  constructor(prefix: string, naming: Naming) {
    this.#prefix = prefix;
    this.#naming = naming;
  }

  *render(metrics: MetricsReader): Generator<string> {
    const series = metrics.series();
    if (series !== this.#series) {
      this.#families = yield* this.#group(series);
      this.#series = series;
    }
    let text = "";
    for (const family of this.#families) {
      text += family.head;
      for (const sample of family.samples) {
        text += family.show(family, sample);
        if (text.length < partLength) continue;
        yield text;
        text = "";
      }
    }
    yield text;
  }

  /** The samples by name, with empty parts in between. */
  *#group(all: Iterable<MetricSeries>): Generator<string, Iterable<Family>> {
    const families = new Map<string, Family>();
    const byKey = new Map<string, readonly Family[]>();
    let done = 0;
    let last = "";
    for (const series of all) {
      const { key, labels } = labelled(series);
      const id = `${series.type} ${key.join("/")}`;
      let own = byKey.get(id);
      if (own === undefined) {
        own = familiesOf(this.#naming(series.type, key, this.#prefix), series.type, families);
        byKey.set(id, own);
      }
      // The series of a client follow one another: what they share is kept once.
      if (labels !== last) last = labels;
      for (const { samples } of own) samples.push({ series, labels: last });
      if (++done % groupedAtOnce === 0) yield "";
    }
    return [...families.values()];
  }
}

/** The families that a series goes to. A name can have one type only, so one of a plugin's own series may be left out. */
const familiesOf = (
  name: FamilyName,
  type: MetricSeries["type"],
  known: Map<string, Family>,
): readonly Family[] => {
  const wanted =
    type === "stat"
      ? [family(name, "summary", showSummary), family(meanOf(name), "gauge", showMean)]
      : [family(name, type, showValue)];
  return wanted.flatMap((each) => {
    const same = known.get(each.family);
    if (same === undefined) {
      known.set(each.family, each);
      return each;
    }
    return typeOf(same) === typeOf(each) ? same : [];
  });
};

const family = (name: FamilyName, type: "counter" | "gauge" | "summary", show: Show): Family => ({
  ...name,
  head: `# HELP ${name.family} ${name.help}\n# TYPE ${name.family} ${type}\n`,
  show,
  samples: [],
});

const typeOf = ({ head }: Family): string => head.slice(head.lastIndexOf(" "));

const meanOf = ({ family: summarized, help, scale }: FamilyName): FamilyName => ({
  family: `${summarized}_avg`,
  help: `${help} Mean of the last interval.`,
  scale,
});

const showValue: Show = ({ family: name, scale }, { series, labels }) =>
  series.type === "stat" ? "" : `${name}${braces(labels)} ${series.value * scale}\n`;

const showMean: Show = ({ family: name, scale }, { series, labels }) =>
  series.type !== "stat" || series.snapshot === undefined || series.snapshot.count === 0
    ? ""
    : `${name}${braces(labels)} ${round(series.snapshot.avg * scale)}\n`;

const quantiles = ["0", "0.5", "0.9", "0.95", "0.99", "0.999", "0.9999", "1"] as const;

const showSummary: Show = ({ family: name, scale }, { series, labels }) => {
  if (series.type !== "stat") return "";
  const { total, snapshot } = series;
  let text = `${name}_count${braces(labels)} ${total.count}\n${name}_sum${braces(labels)} ${round(total.sum * scale)}\n`;
  if (snapshot === undefined || snapshot.count === 0) return text;
  const start = `${name}{${labels === "" ? "" : `${labels}, `}quantile="`;
  for (const quantile of quantiles) {
    const value =
      quantile === "0" ? snapshot.min : quantile === "1" ? snapshot.max : snapshot.quantiles[quantile]!;
    text += `${start}${quantile}"} ${round(value * scale)}\n`;
  }
  return text;
};

const braces = (labels: string): string => (labels === "" ? "" : `{${labels}}`);

/** Without the digits that only binary fractions make. */
const round = (value: number): number => Number(value.toPrecision(12));
