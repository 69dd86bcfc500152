/** What another configuration changes of the one that runs: which routers stay, and what only a restart can change. */
import { isDeepStrictEqual } from "node:util";
import type { AdminConfig, LinkerdConfig, RouterConfig } from "../../config/schema.ts";

/** The routers of two configurations by what happens to them, as labels. */
export interface RouterChanges {
  /** Nothing of them changed. */
  readonly kept: readonly string[];
  /** Kept, and their names are bound anew: the dtab, the interpreter or a namer changed. */
  readonly rebound: readonly string[];
  /** Others take their place. */
  readonly replaced: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Compares the routers of two configurations, both as they are written. */
export const diffRouters = (running: LinkerdConfig, next: LinkerdConfig): RouterChanges => {
  const namersStay = isDeepStrictEqual(running.namers, next.namers);
  const changes = {
    kept: [] as string[],
    rebound: [] as string[],
    replaced: [] as string[],
    added: [] as string[],
    removed: [] as string[],
  };
  for (const router of next.routers) {
    const last = running.routers.find(({ label }) => label === router.label);
    if (last === undefined) changes.added.push(router.label);
    else if (!isDeepStrictEqual(withoutNaming(last), withoutNaming(router)))
      changes.replaced.push(router.label);
    else if (namersStay && isDeepStrictEqual(last, router)) changes.kept.push(router.label);
    else changes.rebound.push(router.label);
  }
  for (const { label } of running.routers) {
    if (!next.routers.some((router) => router.label === label)) changes.removed.push(label);
  }
  return changes;
};

/** What a worker uses of a router: all but its dtab, its interpreter and what is announced, which the control thread has. */
const withoutNaming = ({
  dtab: _,
  interpreter: __,
  announcers: ___,
  servers,
  ...rest
}: RouterConfig): unknown => ({ ...rest, servers: servers.map(({ announce: ____, ...server }) => server) });

/** Keys of `admin` that take effect at once, or that do nothing. */
const liveAdminKeys: ReadonlySet<string> = new Set(["shutdownGraceMs", "security", "workerThreads"]);

/** The keys whose change only a restart applies, e.g. `admin.port`. */
export const restartKeys = (running: LinkerdConfig, next: LinkerdConfig): readonly string[] => {
  const keys: string[] = [];
  const names = new Set([...Object.keys(running.admin), ...Object.keys(next.admin)] as (keyof AdminConfig)[]);
  for (const name of names) {
    if (liveAdminKeys.has(name) || isDeepStrictEqual(running.admin[name], next.admin[name])) continue;
    keys.push(`admin.${name}`);
  }
  if (!isDeepStrictEqual(running.telemetry, next.telemetry)) keys.push("telemetry");
  if (running.workers !== next.workers) keys.push("workers");
  if (running.stateDir !== next.stateDir) keys.push("stateDir");
  const backlogs = new Map<string, number | undefined>(
    running.routers.flatMap(({ servers }) =>
      servers.map(({ ip, port, socketOptions }) => [`${ip} ${port}`, socketOptions.backlog] as const),
    ),
  );
  for (const [i, { servers }] of next.routers.entries()) {
    for (const [j, { ip, port, socketOptions }] of servers.entries()) {
      const address = `${ip} ${port}`;
      if (!backlogs.has(address) || backlogs.get(address) === socketOptions.backlog) continue;
      keys.push(`routers[${i}].servers[${j}].socketOptions.backlog`);
    }
  }
  return keys;
};

/** The next configuration as far as it can be applied while running. */
export const applicable = (running: LinkerdConfig, next: LinkerdConfig): LinkerdConfig => {
  const { shutdownGraceMs, security } = next.admin;
  const { security: _, ...admin } = running.admin;
  const { stateDir: __, ...rest } = next;
  return {
    ...rest,
    ...(running.stateDir === undefined ? {} : { stateDir: running.stateDir }),
    admin: { ...admin, shutdownGraceMs, ...(security === undefined ? {} : { security }) },
    telemetry: running.telemetry,
    workers: running.workers,
    initialWorkers: running.initialWorkers,
  };
};
