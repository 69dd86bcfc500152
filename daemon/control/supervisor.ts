/** The daemon: starts what a configuration says, keeps it running, and ends it orderly. */

import { lookup } from "node:dns/promises";
import type { Server as HttpServer } from "node:http";
import { isIP } from "node:net";
import type { LinkerdConfig } from "../../config/schema.ts";
import type { Registry } from "../../plugins/registry.ts";
import { createMetrics } from "../shared/metrics-memory.ts";
import { systemClock as clock } from "../shared/system-clock.ts";
import { AccessLogs } from "./access-log/access-logs.ts";
import { type AdminServer, openAdminServer } from "./admin/server.ts";
import { Announcements } from "./announcements.ts";
import { Binder } from "./binder.ts";
import { Feeds } from "./feeds.ts";
import { FilesOfWorkers } from "./files/files-of-workers.ts";
import { createGeneration, routerNamings } from "./generation.ts";
import { explain, listenError, prepareListeners } from "./listeners.ts";
import { createLogging, type LevelName, type LogOutput } from "./logging.ts";
import { MetricsStore } from "./metrics-store.ts";
import { controlContext, type PluginParts } from "./naming.ts";
import { watchOpenFiles } from "./open-files.ts";
import { addProcessMetrics, addWorkerMetrics } from "./process-metrics.ts";
import { type ConfigRead, Reloader, type ReloadObserver, type ReloadResult } from "./reloader.ts";
import { openSnapshot } from "./snapshot/snapshot.ts";
import { createTelemeters, runTelemeters } from "./telemeters.ts";
import { readVersion } from "./version.ts";
import { WorkerHandle } from "./worker-handle.ts";
import { WorkerPool } from "./worker-pool.ts";

/** What a daemon is started with. */
export interface StartOptions {
  /** Checked and complete; `plugins` holds absolute paths. */
  readonly config: LinkerdConfig;
  /** The text that it was read from, for lines in messages and for `/config.json`. */
  readonly configText: string;
  /** As messages call it; `-` is standard input. */
  readonly configPath: string;
  /** Every plugin, the user's included. */
  readonly registry: Registry;
  /** Where the routers' keys stand in the text, for the text of errors; see `WorkerSetup`. */
  readonly places?: Readonly<Record<string, string>>;
  /** Reads and checks the configuration again, for reloads; absent where it cannot be read twice. */
  readonly read?: () => Promise<ConfigRead>;
  /** Hears of reloads, whoever asked for them. */
  readonly reloads?: ReloadObserver;
  /** Called when the end begins, whoever asked for it. */
  readonly ending?: () => void;
  /** Where the log goes. */
  readonly stdout: LogOutput;
  /** Where what is known is kept over restarts, if the configuration does not say. */
  readonly stateDir?: string | undefined;
  /** The environment that plugins may ask for variables. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly logLevel?: LevelName;
  /** The program of a data worker. */
  readonly workerUrl?: URL;
  /** How long an interval of distributions lasts; a minute, as in Linkerd 1. */
  readonly snapshotIntervalMs?: number;
}

/** A daemon that runs. */
export interface Daemon {
  /** Where the admin server listens. */
  readonly admin: { readonly ip: string; readonly port: number };
  /** Where routers listen. */
  readonly servers: readonly { readonly router: string; readonly ip: string; readonly port: number }[];
  /** Reads the configuration again and goes over to it, or tells why not; `why` is for the log. */
  reload(why: string): Promise<ReloadResult>;
  /** Whether the event loop of every worker turns within `withinMs`. */
  healthy(withinMs: number): Promise<boolean>;
  /** Ends it orderly, within `admin.shutdownGraceMs` unless told otherwise; a second call waits for the same end. */
  close(graceMs?: number): Promise<void>;
  /** Resolves when it has ended. */
  readonly closed: Promise<void>;
}

/** How long a page waits for what workers have to tell. */
const reportMs = 250;

/** The least grace, as in Linkerd 1. */
const minGraceMs = 1000;

/** Sources run as they are, a build from `.js`. */
const defaultWorkerUrl = new URL(
  `../data/worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);

/** Starts a daemon; rejects, with nothing left running, if a port is taken or a worker cannot start. */
export const startDaemon = async (options: StartOptions): Promise<Daemon> => {
  const startedMs = clock.now();
  const source = { path: options.configPath, text: options.configText };
  const config = await prepareListeners(options.config, source);
  const logging = createLogging(options.stdout, options.logLevel);
  const log = logging.logger("daemon");
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
  const feeds = new Feeds({
    clock,
    log: logging.logger("feed"),
    context: (kind) => controlContext(parts, `feed/${kind}`, metrics.scope("feed", kind)),
    send: (message) => {
      for (const worker of pool.workers()) worker.send(message);
    },
  });
  const files = new FilesOfWorkers({
    ...{ clock, logging, metrics },
    send: (message) => {
      for (const worker of pool.workers()) worker.send(message);
    },
  });
  const first = createGeneration({
    written: options.config,
    config,
    text: options.configText,
    parts,
    places: options.places ?? {},
    files: await files.prepare(config, source),
  });
  const binder = new Binder(routerNamings(first), { log: logging.logger("binder"), clock, metrics });
  const telemeters = createTelemeters(config, parts);

  const accessLogs = new AccessLogs(config, clock, logging.logger("access_log"), metrics);
  const pool = new WorkerPool({
    initial: config.initialWorkers,
    size: config.workers,
    log,
    restarts: metrics.scope("workers").counter("restarts"),
    start: (workerId) => {
      const name = `worker/${workerId}`;
      const worker = new WorkerHandle({
        start: { workerId, ...reloader.current.setup, files: files.current(), feeds: feeds.values() },
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
    workers: () => ({ ready: pool.readyCount, total: config.workers }),
    reload: () => reloader.reload("POST /admin/reload"),
    shutdown: (graceMs: number | undefined) => void close(graceMs),
  };

  let admin: AdminServer | undefined;
  let identifierServer: HttpServer | undefined;
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
    await Promise.all([admin?.close(), closeServer(identifierServer)]);
    logging.flush();
  };
  const close = (graceMs = reloader.current.config.admin.shutdownGraceMs): Promise<void> => {
    closing ??= (async () => {
      log.info("shutting down", { graceMs });
      options.ending?.();
      await reloader.end();
      await snapshot?.end();
      await announcements.withdraw();
      await pool.drain(Math.max(graceMs, minGraceMs));
      log.info("ended");
      await closeRest();
    })();
    closing.then(ended.resolve, ended.reject);
    return closing;
  };

  try {
    const { ip, port } = config.admin;
    const adminTls = config.admin.tls && files.tls.server(config.admin.tls);
    const adminIp = isIP(ip) === 0 ? (await lookup(ip)).address : ip;
    admin = await openAdminServer(config.admin, adminIp, state, logging.logger("admin"), adminTls).catch(
      (cause) => {
        throw listenError(source, [{ path: "admin.port", message: explain(cause, ip, port) }]);
      },
    );
    const { httpIdentifierPort } = config.admin;
    if (httpIdentifierPort !== undefined) {
      // Few ask for it, and node:http takes 10 MB.
      const { openIdentifierServer } = await import("./admin/identifier-server.ts");
      const opened = openIdentifierServer(adminIp, httpIdentifierPort, () => reloader.current, feeds);
      identifierServer = await opened.catch((cause) => {
        const message = explain(cause, ip, httpIdentifierPort);
        throw listenError(source, [{ path: "admin.httpIdentifierPort", message }]);
      });
    }
    await accessLogs.open();
    log.info("serving admin", { ip: admin.ip, port: admin.port });
    await feeds.prepare(config, options.registry);
    await pool.start();
  } catch (cause) {
    await closeRest();
    throw cause;
  }
  serving = true;
  const { ip: adminIp, port: adminPort } = admin;
  const daemon: Daemon = {
    admin: { ip: adminIp, port: adminPort },
    get servers() {
      return reloader.current.config.routers.flatMap(({ label, servers }) =>
        servers.map(({ ip, port }) => ({ router: label, ip, port })),
      );
    },
    reload: (why) => reloader.reload(why),
    healthy: (withinMs) => pool.healthy(withinMs),
    close,
    closed: ended.promise,
  };
  for (const server of daemon.servers) log.info("serving", server);
  announcements.announce(config.routers, options.registry);
  files.watch(stop.signal);
  running = Promise.all([
    runTelemeters(telemeters, stop.signal, store, logging),
    snapshot?.run(() => reloader.current.naming.plain.flatMap(({ kept }) => kept ?? []), stop.signal),
  ]);
  log.info("initialized", { version: state.version, workers: config.workers, ms: clock.now() - startedMs });
  return daemon;
};

const closeServer = async (server: HttpServer | undefined): Promise<void> => {
  if (server === undefined) return;
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
};
