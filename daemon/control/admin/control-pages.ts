/** The pages that change something: `/logging.json`, `/admin/reload` and `/admin/shutdown`. */
import type { Logging } from "../logging.ts";
import type { ReloadResult } from "../reloader.ts";
import { json, type Page, type PageRequest, text } from "./page.ts";

/** `/logging.json`: the loggers with their levels; a POST of `logger` and `level` changes one. */
export const loggingPage = (logging: Logging): Page => ({
  methods: ["GET", "POST"],
  about: "loggers and their levels; POST logger=root&level=DEBUG changes one",
  handle: (request) => {
    if (request.method !== "POST") return json(logging.levels());
    const logger = parameter(request, "logger");
    const level = parameter(request, "level");
    if (logger === undefined || level === undefined) return text("give logger and level\n", 400);
    const problem = logging.setLevel(logger, level);
    if (problem !== undefined) return text(`${problem}\n`, 400);
    logging.logger("admin").info("a log level was changed", { of: logger, to: level.toUpperCase() });
    return text("");
  },
});

/** `/admin/reload`: reads the configuration again; 422 where it is refused, 409 where there is nothing to read. */
export const reloadPage = (reload: () => Promise<ReloadResult>): Page => ({
  methods: ["POST"],
  about: "POST reads the configuration again, without a restart",
  handle: async () => {
    const result = await reload();
    if (result.reloaded) return json(result);
    const { reloaded, problems, impossible } = result;
    return json({ reloaded, problems }, impossible === true ? 409 : 422);
  },
});

/** `/admin/shutdown`: ends the daemon orderly. */
export const shutdownPage = (shutdown: (graceMs: number | undefined) => void): Page => ({
  methods: ["POST"],
  about: "POST ends the daemon orderly, within grace=10.seconds",
  handle: (request) => {
    const grace = parameter(request, "grace");
    const graceMs = grace === undefined ? undefined : readDuration(grace);
    if (grace !== undefined && graceMs === undefined) {
      return text(`could not parse 'grace' parameter: ${grace} is not a valid duration\n`, 400);
    }
    return { ...text("quitting\n"), after: () => shutdown(graceMs) };
  },
});

/** A parameter of the query, or of a form in the body. */
const parameter = ({ query, body, header }: PageRequest, name: string): string | undefined => {
  const isForm =
    header("content-type")?.toLowerCase().startsWith("application/x-www-form-urlencoded") === true;
  return query.get(name) ?? (isForm ? new URLSearchParams(body).get(name) : undefined) ?? undefined;
};

const unitMs: Readonly<Record<string, number>> = {
  nanosecond: 1e-6,
  ns: 1e-6,
  microsecond: 1e-3,
  us: 1e-3,
  millisecond: 1,
  ms: 1,
  second: 1000,
  s: 1000,
  minute: 60_000,
  m: 60_000,
  hour: 3_600_000,
  h: 3_600_000,
  day: 86_400_000,
  d: 86_400_000,
};

/** Reads a duration such as `10.seconds`, `1.minute+30.seconds` or `500ms`, in milliseconds; undefined if it is none. */
export const readDuration = (duration: string): number | undefined => {
  let sum = 0;
  for (const term of duration.trim().split("+")) {
    const [, amount, unit] = /^\s*(\d+)\.?([a-z]+)\s*$/i.exec(term) ?? [];
    const name = unit?.toLowerCase() ?? "";
    const factor = unitMs[name] ?? unitMs[name.replace(/s$/, "")];
    if (amount === undefined || factor === undefined) return undefined;
    sum += Number(amount) * factor;
  }
  return Math.round(sum);
};
