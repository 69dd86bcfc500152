/** The daemon: starts what a configuration says, keeps it running, and ends it orderly. */

import type { ToWorker } from "../shared/messages.ts";
import { createMetrics } from "../shared/metrics-memory.ts";
import { systemClock as clock } from "../shared/system-clock.ts";
import { AccessLogs } from "./access-log/access-logs.ts";
import { type AdminServers, openAdminServers } from "./admin/admin-servers.ts";
import { Announcements } from "./announcements.ts";
import { Binder } from "./binder.ts";
import type { Daemon, StartOptions } from "./daemon.ts";
import { Feeds } from "./feeds.ts";
import { FilesOfWorkers } from "./files/files-of-workers.ts";
import { createGeneration, routerNamings } from "./generation.ts";
import { Handover } from "./handover.ts";
import { Listeners } from "./listeners.ts";
import { createLogging, type Logging } from "./logging.ts";
import { MetricsStore } from "./metrics-store.ts";
import { controlContext, keptBy, type PluginParts } from "./naming.ts";
import { watchOpenFiles } from "./open-files.ts";
import { addProcessMetrics, addWorkerMetrics } from "./process-metrics.ts";
import { Reloader } from "./reloader.ts";
import { openSnapshot } from "./snapshot/open-snapshot.ts";
import { InheritedSockets } from "./sockets/inherited-sockets.ts";
import { socketHandles } from "./sockets/socket-handles.ts";
import { createTelemeters, recentFor, runTelemeters } from "./telemeters.ts";
import { readVersion } from "./version.ts";
import { WorkerHandle } from "./worker-handle.ts";
import { WorkerPool } from "./worker-pool.ts";

export type { Daemon, StartOptions } from "./daemon.ts";

/** How long a page waits for what workers have to tell. */
const reportMs = 250;

/** The least grace, as in Linkerd 1. */
const minGraceMs = 1000;

/**
 * How long callers that ask nothing may stay when the daemon ends. One that goes at once may have a request under way,
 * which is then lost, but nobody accepts until the next daemon starts: so it is short. After a hand-over there is one,
 * and no hurry.
 */
const maxIdleMs = 1000;

/** Sources run as they are, a build from `.js`. */
const defaultWorkerUrl = new URL(
  `../data/worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);

/** Starts a daemon; rejects, with nothing left running, if a port is taken or a worker cannot start. */
export const startDaemon = async (options: StartOptions): Promise<Daemon> => {
  const logging = createLogging(options.stdout, options.logLevel);
  const handles = await socketHandles(options.binding);
  const log = logging.logger("daemon");
  const inherited = await InheritedSockets.open(handles, options.inherited ?? [], log);
  const listeners = new Listeners(handles, inherited);
  try {
    return await startOn(options, logging, listeners, inherited);
  } catch (cause) {
    inherited.end();
    listeners.close();
    throw cause;
  }
};

const startOn = async (
  options: StartOptions,
  logging: Logging,
  listeners: Listeners,
  inherited: InheritedSockets,
): Promise<Daemon> => {
  const startedMs = clock.now();
  const log = logging.logger("daemon");
  const source = { path: options.configPath, text: options.configText };
  const config = await listeners.prepare(options.config, source);
  const store = new MetricsStore();
  const own = store.source();
  const metrics = createMetrics((changes) => own.apply(changes));
  const snapshot = await openSnapshot(config.stateDir ?? options.stateDir, {
    log: logging.logger("snapshot"),
    clock,
    metrics,
  });
  const parts: PluginParts = {
    registry: options.registry,
    logging,
    clock,
    random: Math.random,
    metrics,
    env: options.env ?? {},
    snapshot,
  };
  const send = (message: ToWorker): void => {
    for (const worker of pool.workers()) worker.send(message);
  };
  const feeds = new Feeds({
    ...{ clock, log: logging.logger("feed"), send },
    context: (kind) => controlContext(parts, `feed/${kind}`, metrics.scope("feed", kind)),
    keep: (key) => snapshot?.namer(`feed ${key}`, undefined),
  });
  const files = new FilesOfWorkers({ clock, logging, metrics, send });
  await files.prepare(config, source);
  const first = createGeneration({
    written: options.config,
    config,
    text: options.configText,
    parts,
    places: options.places ?? {},
    files: files.current(),
  });
  const binder = new Binder(routerNamings(first), { log: logging.logger("binder"), clock, metrics });
  const telemeters = createTelemeters(config, parts);
  const recent = recentFor(telemeters);

  const accessLogs = new AccessLogs(config, clock, logging.logger("access_log"), metrics);
  const pool = new WorkerPool({
    initial: config.initialWorkers,
    size: config.workers,
    log,
    restarts: metrics.scope("workers").counter("restarts"),
    start: async (workerId) => {
      const name = `worker/${workerId}`;
      const { setup, sockets } = await listeners.shareCurrent(() => reloader.current.setup);
      const worker = new WorkerHandle({
        start: { workerId, sockets, recent, ...setup, files: files.current(), feeds: feeds.values() },
        url: options.workerUrl ?? defaultWorkerUrl,
        binder,
        metrics: store,
        log: logging.logger(name),
        accessLogs,
      });
      worker.send({ type: "level", level: logging.threshold(name) });
      return worker;
    },
  });
  const announcements = new Announcements(parts);
  const reloader = new Reloader({
    start: first,
    read: options.read,
    binder,
    workers: () => pool.workers(),
    accessLogs,
    announcements,
    files,
    feeds,
    listeners,
    metrics,
    log: logging.logger("config"),
    nowMs: () => clock.now(),
    observer: options.reloads,
  });
  logging.onChange(() => {
    for (const worker of pool.workers()) {
      worker.send({ type: "level", level: logging.threshold(`worker/${worker.id}`) });
    }
  });
  const endProcessMetrics = addProcessMetrics(store);
  const endOpenFiles = watchOpenFiles(log);
  addWorkerMetrics(store, pool, config.workers);

  const stop = new AbortController();
  const ended = Promise.withResolvers<void>();
  let closing: Promise<void> | undefined;
  let serving = false;
  const state = {
    version: readVersion(),
    startedMs,
    clock,
    current: () => reloader.current,
    binder,
    metrics: store,
    logging,
    telemeters,
    announcements,
    feeds,
    unready: () => {
      if (closing !== undefined) return "shutting down";
      if (!serving) return "starting";
      return pool.readyCount > 0 ? undefined : "no worker accepts connections";
    },
    clients: () => pool.clients(reportMs),
    recent: () => pool.recent(reportMs),
    workers: () => ({ ready: pool.readyCount, total: config.workers }),
    reload: () => reloader.reload("POST /admin/reload"),
    shutdown: (graceMs: number | undefined) => void close(graceMs),
  };

  let admin: AdminServers | undefined;
  let running: Promise<unknown> = Promise.resolve();
  const interval = setInterval(() => void store.closeIntervalInTurns(), options.snapshotIntervalMs ?? 60_000);
  interval.unref();

  const closeRest = async (): Promise<void> => {
    stop.abort();
    feeds.close();
    clearInterval(interval);
    endProcessMetrics();
    endOpenFiles();
    await running;
    await accessLogs.close();
    await admin?.close();
    listeners.close();
    logging.flush();
  };
  const close = (
    graceMs = reloader.current.config.admin.shutdownGraceMs,
    handedOver = false,
  ): Promise<void> => {
    closing ??= (async () => {
      log.info("shutting down", { graceMs });
      options.ending?.(handedOver);
      await reloader.end();
      // The process that took over keeps the file.
      if (!handedOver) await snapshot?.end();
      await announcements.withdraw();
      const drainMs = Math.max(graceMs, minGraceMs);
      const drained = pool.drain(drainMs, handedOver ? drainMs / 2 : Math.min(drainMs / 2, maxIdleMs));
      // Nobody may wait in a queue that is read no more.
      listeners.close();
      await drained;
      log.info("ended");
      await closeRest();
    })();
    closing.then(ended.resolve, ended.reject);
    return closing;
  };

  try {
    admin = await openAdminServers({
      config: config.admin,
      source,
      state,
      log: logging.logger("admin"),
      tls: config.admin.tls && files.tls.server(config.admin.tls),
      inherited,
      feeds,
    });
    await accessLogs.open();
    log.info("serving admin", { ip: admin.ip, port: admin.port });
    await feeds.prepare(config, options.registry);
    await pool.start();
  } catch (cause) {
    await closeRest();
    throw cause;
  }
  serving = true;
  inherited.end();
  const { descriptors } = admin;
  const { successor } = options;
  const handover = new Handover({
    start:
      successor &&
      (async (descriptors) => {
        // The new process knows at once what this one has learnt.
        await snapshot?.end();
        return successor(descriptors);
      }),
    descriptors: () => [...listeners.descriptors, ...descriptors],
    obstacle: () => {
      if (closing !== undefined) return "the daemon is shutting down";
      if (reloader.busy) return "a reload is under way";
      return listeners.shared ? undefined : "this Node.js cannot share listening sockets";
    },
    refuseReloads: (reason) => reloader.refuse(reason),
    leave: () => void close(undefined, true),
    log,
    metrics,
  });
  const { ip: adminIp, port: adminPort } = admin;
  const daemon: Daemon = {
    admin: { ip: adminIp, port: adminPort },
    get servers() {
      return reloader.current.config.routers.flatMap(({ label, servers }) =>
        servers.map(({ ip, port }) => ({ router: label, ip, port })),
      );
    },
    reload: (why) => reloader.reload(why),
    upgrade: () => handover.run(),
    healthy: (withinMs) => pool.healthy(withinMs),
    close: (graceMs) => close(graceMs),
    closed: ended.promise,
  };
  for (const server of daemon.servers) log.info("serving", server);
  announcements.announce(config.routers, options.registry);
  files.watch(stop.signal);
  running = Promise.all([
    runTelemeters(telemeters, stop.signal, store, logging),
    snapshot?.run(() => [...keptBy(reloader.current.naming), ...feeds.kept()], stop.signal),
  ]);
  log.info("initialized", { version: state.version, workers: config.workers, ms: clock.now() - startedMs });
  return daemon;
};
