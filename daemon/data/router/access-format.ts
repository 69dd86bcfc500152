/** How a line of the access log looks: Linkerd 1's, JSON, or a template of the user's. */

/** What is known of a request, or of one attempt. */
export interface AccessFacts {
  /** When, in milliseconds since the epoch. */
  readonly time: number;
  readonly router: string;
  /** The server, `ip/port`. */
  readonly server: string;
  readonly remote: string | undefined;
  /** The SPIFFE id of the caller's certificate. */
  readonly identity: string | undefined;
  readonly method: string;
  readonly target: string;
  readonly version: "1.0" | "1.1" | "2";
  readonly host: string | undefined;
  readonly status: number;
  /** Of the answer's body, if it was known beforehand. */
  readonly bytes: number | undefined;
  readonly durationMs: number;
  readonly service: string | undefined;
  readonly client: string | undefined;
  readonly endpoint: string | undefined;
  readonly attempts: number;
  /** The request's own dtab. */
  readonly override: string | undefined;
  /** Of the token that allowed it, on a server whose callers are strangers. */
  readonly overrideId: string | undefined;
  /** Why the caller's override was ignored there. */
  readonly overrideRefused: string | undefined;
  /** The code of what failed. */
  readonly error: string | undefined;
  readonly traceId: string;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
}

/** Makes a line, without its end. */
export type AccessFormat = (facts: AccessFacts) => string;

/** The names that a template may hold in braces. */
export const accessFields: readonly (keyof AccessFacts)[] = [
  "time",
  "router",
  "server",
  "remote",
  "identity",
  "method",
  "target",
  "version",
  "host",
  "status",
  "bytes",
  "durationMs",
  "service",
  "client",
  "endpoint",
  "attempts",
  "override",
  "overrideId",
  "overrideRefused",
  "error",
  "traceId",
  "referer",
  "userAgent",
];

/** A format by its name: `linkerd`, `json`, or else a template with `{fields}`. */
export function createFormat(format: string): AccessFormat {
  if (format === "linkerd") return linkerdLine;
  return format === "json" ? jsonLine : templateLine(format);
}

// Linkerd 1's line (AccessLogger.scala); quotes inside a value are escaped, which Linkerd 1 did not do.
const linkerdLine: AccessFormat = (facts) =>
  `${facts.host ?? "-"} ${facts.remote ?? "-"} - - [${showTime(facts.time)}] ` +
  `"${facts.method} ${escapeQuotes(facts.target)} HTTP/${facts.version}" ${facts.status} ${facts.bytes ?? "-"} ` +
  `"${escapeQuotes(facts.referer ?? "-")}" "${escapeQuotes(facts.userAgent ?? "-")}"`;

const jsonLine: AccessFormat = (facts) =>
  JSON.stringify({ ...facts, time: new Date(facts.time).toISOString() });

function templateLine(template: string): AccessFormat {
  const parts = template.split(/\{(\w+)\}/);
  return (facts) => {
    let line = "";
    for (let i = 0; i < parts.length; i++) {
      line += i % 2 === 0 ? parts[i]! : fieldText(facts, parts[i] as keyof AccessFacts);
    }
    return line;
  };
}

function fieldText(facts: AccessFacts, name: keyof AccessFacts): string {
  if (name === "time") return new Date(facts.time).toISOString();
  const value = facts[name];
  return value === undefined ? "-" : typeof value === "number" ? String(value) : escapeQuotes(value);
}

const escapeQuotes = (text: string): string => (/["\\]/.test(text) ? text.replace(/["\\]/g, "\\$&") : text);

let shownSecond = -1;
let shownTime = "";

/** `24/06/2024:12:00:00 UTC`, in the zone of the process. */
function showTime(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== shownSecond) {
    shownSecond = second;
    const at = new Date(second * 1000);
    const date = `${two(at.getDate())}/${two(at.getMonth() + 1)}/${at.getFullYear()}`;
    shownTime = `${date}:${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())} ${zoneOf(at)}`;
  }
  return shownTime;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** Made at the first line: it takes 30 ms, and most workers write no such log. */
let zoneFormat: Intl.DateTimeFormat | undefined;

function zoneOf(at: Date): string {
  zoneFormat ??= new Intl.DateTimeFormat("en-US", { timeZoneName: "short" });
  return zoneFormat.formatToParts(at).find(({ type }) => type === "timeZoneName")?.value ?? "UTC";
}
