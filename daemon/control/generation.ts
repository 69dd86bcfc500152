/** A configuration that runs, with what was made of it: naming in the control thread, routers in the workers. */
import { isDeepStrictEqual } from "node:util";
import type { LinkerdConfig } from "../../config/schema.ts";
import { type RouterStart, routerKey, type WorkerSetup } from "../shared/messages.ts";
import type { RouterNaming } from "./binder.ts";
import { diffRouters } from "./config-diff.ts";
import type { RunningListener } from "./listeners.ts";
import { createNaming, type Naming, type PluginParts } from "./naming.ts";

/** See the file's comment. */
export interface Generation {
  /** 0 at the start, one more with each reload. */
  readonly number: number;
  /** As the file says it. */
  readonly written: LinkerdConfig;
  /** As it runs: addresses resolved, and what only a restart can change as it was. */
  readonly config: LinkerdConfig;
  readonly text: string;
  readonly parts: PluginParts;
  readonly naming: Naming;
  readonly setup: WorkerSetup;
}

/** What a generation is made of. */
export type GenerationParts = Pick<Generation, "written" | "config" | "text" | "parts"> &
  Pick<WorkerSetup, "places" | "files" | "feeds">;

/** Makes a generation; one that follows another keeps the routers, namers and interpreters that are equal. */
export const createGeneration = (
  { written, config, text, parts, places, files, feeds }: GenerationParts,
  last?: Generation,
): Generation => {
  const number = last === undefined ? 0 : last.number + 1;
  const kept = new Set(last === undefined ? [] : keptLabels(last.written, written));
  const routers = config.routers.map((router): RouterStart => {
    const { label, servers } = router;
    const same = kept.has(label)
      ? last?.setup.routers.find((start) => start.config.label === label)
      : undefined;
    if (same !== undefined) return { ...same, config: router };
    const inFlight = new SharedArrayBuffer(4 * config.workers * servers.length);
    return { key: routerKey(label, number), config: router, inFlight };
  });
  // Other plugins may mean other things by the same block.
  const samePlugins = isDeepStrictEqual(last?.config.plugins, config.plugins);
  return {
    number,
    written,
    config,
    text,
    parts,
    naming: createNaming(config, parts, samePlugins ? last?.naming : undefined),
    setup: {
      routers,
      plugins: config.plugins,
      ...(places === undefined ? {} : { places }),
      ...(files === undefined ? {} : { files }),
      ...(feeds === undefined ? {} : { feeds }),
    },
  };
};

/** The routers of a generation as the binder takes them. */
export const routerNamings = ({ naming, setup }: Generation): readonly RouterNaming[] =>
  naming.routers.map((router, i) => ({ ...router, key: setup.routers[i]!.key }));

/** The next configuration with the routers that stay at the very addresses that they have, and what listens now. */
export const withRunning = (
  { written, config }: Generation,
  next: LinkerdConfig,
): { readonly config: LinkerdConfig; readonly listeners: readonly RunningListener[] } => {
  const kept = new Set(keptLabels(written, next));
  const listeners = config.routers.flatMap(({ label, servers }, i) =>
    servers.map(({ ip, port }, j): RunningListener => {
      const as = kept.has(label) ? { ip, port } : written.routers[i]!.servers[j]!;
      return { written: { ip: as.ip, port: as.port }, ip, port };
    }),
  );
  const routers = next.routers.map((router) => {
    const running = kept.has(router.label)
      ? config.routers.find(({ label }) => label === router.label)
      : undefined;
    if (running === undefined) return router;
    // What is announced of them may be another.
    const servers = router.servers.map((server, i) => {
      const { ip, port } = running.servers[i]!;
      return { ...server, ip, port };
    });
    return { ...router, servers };
  });
  return { config: { ...next, routers }, listeners };
};

const keptLabels = (running: LinkerdConfig, next: LinkerdConfig): readonly string[] => {
  const { kept, rebound } = diffRouters(running, next);
  return [...kept, ...rebound];
};
