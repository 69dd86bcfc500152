/** What a file says that changes nothing here, and why: told by `check` and at the start, and no reason to refuse. */
import type { Issue } from "./errors.ts";
import type { LinkerdConfig } from "./schema.ts";
import type { ClientParams } from "./schema-client.ts";
import { entries } from "./semantics.ts";
import type { Place } from "./source.ts";

/** Keys that have no meaning, by the shape of their path. */
const idle: readonly (readonly [path: RegExp, why: string])[] = [
  [/^usage$/, "it has no effect: nothing is ever reported to anybody"],
  [/^admin\.workerThreads$/, "it has no effect: the admin server has a thread of its own anyway"],
  [/\.servers\[\d+\]\.label$/, "it has no effect, as in Linkerd 1: metrics are named by ip and port"],
  [
    /\.client(\.configs\[\d+\])?\.socketOptions\.(backlog|reuseAddr|reusePort)$/,
    "it has no effect: it is for listeners, and a client has none",
  ],
];

const ofAccessLog = [
  "httpAccessLogRollPolicy",
  "httpAccessLogAppend",
  "httpAccessLogRotateCount",
  "httpAccessLogFormat",
] as const;

/** The warnings about a good configuration, in the order of the text. */
export function warningsOf(
  config: LinkerdConfig,
  paths: readonly string[],
  placeOf: (path: string) => Place,
): readonly Issue[] {
  const warnings: Issue[] = [];
  const warn = (path: string, message: string): void => {
    warnings.push({ code: "no-effect", path, message, ...placeOf(path) });
  };
  for (const path of paths) {
    const found = idle.find(([shape]) => shape.test(path));
    if (found !== undefined) warn(path, found[1]);
  }
  for (const [index, router] of config.routers.entries()) {
    const at = `routers[${index}]`;
    for (const key of ofAccessLog) {
      if (router[key] !== undefined && router.httpAccessLog === undefined)
        warn(`${at}.${key}`, "it has no effect without httpAccessLog");
    }
    for (const [j, { announce }] of router.servers.entries()) {
      for (const [k, name] of announce.entries()) {
        const taken = router.announcers.some(({ prefix }) => `${name}/`.startsWith(`/#${prefix}/`));
        if (!taken) {
          warn(
            `${at}.servers[${j}].announce[${k}]`,
            "it has no effect: no announcer of this router takes it",
          );
        }
      }
    }
    for (const [path, { failureAccrual }] of entries<ClientParams>(router.client, `${at}.client`)) {
      if (failureAccrual?.kind === "none" && failureAccrual["backoff"] !== undefined)
        warn(`${path}.failureAccrual.backoff`, "it has no effect: this kind never leaves an endpoint out");
    }
  }
  return warnings.sort((a, b) => a.line - b.line || a.col - b.col);
}
