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
import { linkerdNames, type Naming, prometheusNames, type SeriesName } from "../lib/prometheus-names.ts";

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

/** Samples of one series under one name. */
interface Line {
  readonly family: string;
  readonly type: "counter" | "gauge" | "summary";
  readonly help: string;
  show(): string;
}

/** All samples of one name. */
interface Family {
  readonly head: string;
  readonly type: Line["type"];
  readonly lines: Line[];
}

/** Parts of about this size are handed on, so that nobody waits for the whole page. */
const partLength = 65_536;

/** The page; names and labels are made once for each series. */
class Exposition {
  readonly #prefix: string;
  readonly #naming: Naming;
  readonly #lines = new WeakMap<MetricSeries, readonly Line[]>();
  #series: Iterable<MetricSeries> | undefined;
  #families: Iterable<Family> = [];

  constructor(prefix: string, naming: Naming) {
    this.#prefix = prefix;
    this.#naming = naming;
  }

  *render(metrics: MetricsReader): Generator<string> {
    let text = "";
    for (const family of this.#grouped(metrics.series())) {
      text += family.head;
      for (const line of family.lines) {
        text += line.show();
        if (text.length < partLength) continue;
        yield text;
        text = "";
      }
    }
    yield text;
  }

  /** The samples by name; the work is done again only when a series has begun or ended. */
  #grouped(series: Iterable<MetricSeries>): Iterable<Family> {
    if (series === this.#series) return this.#families;
    const families = new Map<string, Family>();
    for (const each of series) {
      let lines = this.#lines.get(each);
      if (lines === undefined) {
        lines = linesOf(each, this.#naming(each, this.#prefix));
        this.#lines.set(each, lines);
      }
      for (const line of lines) {
        const known = families.get(line.family);
        if (known === undefined)
          families.set(line.family, { head: headOf(line), type: line.type, lines: [line] });
        // A name can have one type only; Linkerd 1 has no two of a name either, so only a plugin's own series are left out.
        else if (known.type === line.type) known.lines.push(line);
      }
    }
    this.#series = series;
    this.#families = [...families.values()];
    return this.#families;
  }
}

const headOf = ({ family, type, help }: Line): string =>
  `# HELP ${family} ${help}\n# TYPE ${family} ${type}\n`;

const linesOf = (series: MetricSeries, { family, labels, help, scale }: SeriesName): readonly Line[] => {
  if (series.type !== "stat") {
    return [
      { family, type: series.type, help, show: () => `${family}${braces(labels)} ${series.value * scale}\n` },
    ];
  }
  return [
    { family, type: "summary", help, show: summary(series, family, labels, scale) },
    {
      family: `${family}_avg`,
      type: "gauge",
      help: `${help} Mean of the last interval.`,
      show: () => {
        const { snapshot } = series;
        return snapshot === undefined || snapshot.count === 0
          ? ""
          : `${family}_avg${braces(labels)} ${round(snapshot.avg * scale)}\n`;
      },
    },
  ];
};

const quantiles = ["0", "0.5", "0.9", "0.95", "0.99", "0.999", "0.9999", "1"] as const;

const summary = (
  series: Extract<MetricSeries, { type: "stat" }>,
  family: string,
  labels: string,
  scale: number,
): (() => string) => {
  const comma = labels === "" ? "" : `${labels}, `;
  const starts = quantiles.map((quantile) => `${family}{${comma}quantile="${quantile}"} `);
  const sumStart = `${family}_sum${braces(labels)} `;
  const countStart = `${family}_count${braces(labels)} `;
  return () => {
    const { total, snapshot } = series;
    let text = `${countStart}${total.count}\n${sumStart}${round(total.sum * scale)}\n`;
    if (snapshot === undefined || snapshot.count === 0) return text;
    for (let i = 0; i < quantiles.length; i += 1) {
      const quantile = quantiles[i]!;
      const value =
        quantile === "0" ? snapshot.min : quantile === "1" ? snapshot.max : snapshot.quantiles[quantile]!;
      text += `${starts[i]}${round(value * scale)}\n`;
    }
    return text;
  };
};

const braces = (labels: string): string => (labels === "" ? "" : `{${labels}}`);

/** Without the digits that only binary fractions make. */
const round = (value: number): number => Number(value.toPrecision(12));
