/** What a series is called in Prometheus: by the rules of Linkerd 1, or by those that Prometheus advises. */
import type { MetricSeries } from "../contract.ts";

/** What series that differ in their labels only are called. */
export interface FamilyName {
  readonly family: string;
  readonly help: string;
  /** What values are multiplied by. */
  readonly scale: number;
}

/** A way to name what is left of scopes and name without the labels. */
export type Naming = (type: MetricSeries["type"], key: readonly string[], prefix: string) => FamilyName;

/** Linkerd 1's names: scopes joined by `:`, other characters than letters, digits and `:` replaced. */
export const linkerdNames: Naming = (type, key, prefix) => {
  const family = `${prefix}${key.join(":")}`.replace(/[^A-Za-z0-9:]/g, "_");
  return { family: validStart(family), help: helpOf(type, key), scale: 1 };
};

/** The names that Prometheus advises: snake case, seconds, and `_total` for what only grows. */
export const prometheusNames: Naming = (type, key, prefix) => {
  const { name, scale } = baseUnit(snake(`${prefix}${key.join("_")}`));
  return { family: validStart(suffixed(name, type)), help: helpOf(type, key), scale };
};

/** What of a series is its name, and what are labels: `a="b", c="d"`, or nothing. */
export const labelled = (
  series: MetricSeries,
): { readonly key: readonly string[]; readonly labels: string } => {
  const { key, labels } = split(series);
  return { key, labels: showLabels(labels) };
};

type Labels = [name: string, value: string][];

/**
 * Takes router, service, client, server and exception out of a series' scopes, as Linkerd 1 does; of what namers tell,
 * the namer and the name, so that `discovery_age_seconds` is one family for all of them; the file of a certificate, and
 * the reason why an override was refused.
 */
const split = ({
  scopes,
  name,
}: MetricSeries): { readonly key: readonly string[]; readonly labels: Labels } => {
  const parts = [...scopes, ...name.split("/")];
  const labels: Labels = [];
  const key: string[] = [];
  let at = 0;
  const label = (): string => {
    const kind = parts[at]!;
    labels.push([kind, parts[at + 1]!]);
    key.push(kind);
    at += 2;
    return kind;
  };
  if (parts[0] === "rt" && parts.length > 2) {
    label();
    if (["service", "client", "server"].includes(parts[at]!) && parts.length > at + 2) {
      const kind = label();
      if (kind === "client" && parts[at] === "service" && parts.length > at + 2) label();
      if (parts[at] === "overrides" && parts[at + 1] === "refused" && parts.length > at + 2) {
        key.push("overrides", "refused");
        labels.push(["reason", parts[at + 2]!]);
        at += 3;
      }
      if ((parts[at] === "failures" || parts[at] === "exn") && parts.length > at + 1) {
        key.push(parts[at] === "exn" ? "exceptions" : "failures");
        labels.push(["exception", parts.slice(at + 1).join(":")]);
        at = parts.length;
      }
    }
  }
  if (parts[0] === "tls" && parts.length > 3) {
    key.push("tls", parts[1]!);
    labels.push(["file", parts[2]!]);
    at = 3;
  }
  if (parts[0] === "rt" && parts[at] === "interpreter" && parts[at + 1] === "name" && parts.length > at + 3) {
    labels.push(["name", parts[at + 2]!]);
    at += 3;
  }
  if ((parts[0] === "namer" || parts[0] === "feed") && parts.length > 2) {
    labels.push(["namer", parts[1]!]);
    at = 2;
    if (parts[2] === "name" && parts.length > 4) {
      labels.push(["name", parts[3]!]);
      at = 4;
    }
  }
  key.push(...parts.slice(at));
  return { key, labels };
};

const showLabels = (labels: Labels): string =>
  labels.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(", ");

const escapeLabel = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

/** A name begins with no digit. */
const validStart = (name: string): string => (/^\d/.test(name) ? `_${name}` : name);

const snake = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .toLowerCase();

/** Milliseconds and microseconds become seconds. */
const baseUnit = (name: string): { readonly name: string; readonly scale: number } => {
  const unit = /_(ms|msec|us)(?=_|$)/.exec(name);
  if (unit === null) return { name, scale: 1 };
  return { name: name.replace(unit[0], "_seconds"), scale: unit[1] === "us" ? 1e-6 : 1e-3 };
};

const suffixed = (name: string, type: MetricSeries["type"]): string => {
  if (type === "counter") return name.endsWith("_total") ? name : `${name}_total`;
  // These endings belong to other types.
  return type === "gauge" ? name.replace(/_(count|sum|total|bucket)$/, "") : name;
};

/** What the ends of names mean; anything else is told by its place alone. */
const meanings: Readonly<Record<string, string>> = {
  requests: "Requests that have ended.",
  success: "Requests that ended well, by the response classifier.",
  failures: "Requests that failed, by the response classifier.",
  pending: "Requests in flight.",
  request_latency_ms: "How long requests took.",
  connects: "Connections made.",
  connections: "Connections open now.",
  closes: "Connections closed.",
  connection_duration: "How long connections lasted, in milliseconds.",
  connect_latency_ms: "How long it took to make a connection.",
  received_bytes: "Bytes received.",
  sent_bytes: "Bytes sent.",
  requeues: "Requests sent again because they never reached an endpoint.",
  budget: "Retries that the budget allows now.",
  budget_exhausted: "Retries that the budget did not allow.",
  uptime: "Milliseconds since the start.",
  misses: "Names that were not in the cache.",
  evicts: "Names that made room for others.",
  expires: "Names that nobody used any more.",
  expires_in_seconds: "Until what the file holds runs out.",
  discovery_age_seconds: "Since the source last confirmed what is known of a name.",
  discovery_stale_names: "Names older than they should be.",
  discovery_watched: "Names watched now.",
  discovery_rounds: "Answers from the source.",
  discovery_failures: "Questions that the source did not answer as it should.",
  discovery_over_budget: "First lookups put off because there were too many.",
};

const helpOf = (type: MetricSeries["type"], key: readonly string[]): string => {
  const kind = { counter: "Counter", gauge: "Gauge", stat: "Distribution" }[type];
  const meaning = meanings[key.at(-1)!];
  const help = meaning === undefined ? "" : ` ${meaning}`;
  return `${kind} ${key.join("/")}.${help}`.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
};
