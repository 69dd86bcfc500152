/**
 * Reads the configuration again and goes over to it while requests are served, or leaves everything as it is.
 *
 * Two phases: everything that can fail comes first (reading, checking, ports, access logs, each worker's preparation),
 * and changes nothing that a request could see. Only when all have prepared does the control thread change its naming,
 * and then each worker commits within one turn of its event loop.
 */
import { ConfigError, type Issue, showIssue } from "../../config/errors.ts";
import type { LinkerdConfig } from "../../config/schema.ts";
import type { Counter, Logger, MetricsScope } from "../../plugins/contract.ts";
import type { Registry } from "../../plugins/registry.ts";
import type { AccessLogs } from "./access-log/access-logs.ts";
import type { Announcements } from "./announcements.ts";
import type { Binder } from "./binder.ts";
import { applicable, diffRouters, type RouterChanges, restartKeys } from "./config-diff.ts";
import type { Feeds } from "./feeds.ts";
import type { FilesOfWorkers } from "./files/files-of-workers.ts";
import { createGeneration, type Generation, routerNamings, withRunning } from "./generation.ts";
import type { Listeners } from "./listeners.ts";
import type { WorkerHandle } from "./worker-handle.ts";

/** A configuration that was read and checked as at the start. */
export interface ConfigRead {
  /** Undefined if there are issues. */
  readonly config: LinkerdConfig | undefined;
  readonly issues: readonly Issue[];
  readonly fileName: string;
  readonly text: string;
  readonly registry: Registry;
  readonly places: Readonly<Record<string, string>>;
}

/** What a reload came to. */
export type ReloadResult =
  | {
      readonly reloaded: true;
      readonly routers: RouterChanges;
      /** Keys whose change waits for a restart. */
      readonly needsRestart: readonly string[];
      readonly ms: number;
    }
  | {
      readonly reloaded: false;
      /** A line each; the configuration before serves on. */
      readonly problems: readonly string[];
      /** Nothing is wrong with the file: there is none that could be read again, or the daemon ends. */
      readonly impossible?: true;
    };

/** Hears of reloads. */
export interface ReloadObserver {
  began(): void;
  ended(result: ReloadResult): void;
}

/** What reloading needs. */
export interface ReloaderOptions {
  readonly start: Generation;
  /** Reads and checks the file again; undefined where the configuration came from standard input. */
  readonly read: (() => Promise<ConfigRead>) | undefined;
  readonly binder: Pick<Binder, "replace" | "forget">;
  /** The workers that run now. */
  readonly workers: () => readonly Pick<
    WorkerHandle,
    "id" | "setup" | "prepare" | "commit" | "rollback" | "terminate"
  >[];
  readonly accessLogs: Pick<AccessLogs, "prepare" | "reopen">;
  readonly announcements: Pick<Announcements, "announce" | "withdraw">;
  readonly files: Pick<FilesOfWorkers, "prepare" | "keep" | "current">;
  readonly feeds: Pick<Feeds, "prepare" | "keep">;
  readonly listeners: Pick<Listeners, "prepare" | "keep" | "share">;
  readonly metrics: MetricsScope;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** Hears of the beginning and the end of every reload. */
  readonly observer?: ReloadObserver | undefined;
}

type Workers = ReturnType<ReloaderOptions["workers"]>;

/** Keeps the configuration that runs; see the file's comment. */
export class Reloader {
  readonly #options: ReloaderOptions;
  readonly #reloads: Counter;
  readonly #failures: Counter;
  #current: Generation;
  #running: Promise<ReloadResult> | undefined;
  #waiting: Promise<ReloadResult> | undefined;
  #refusal: string | undefined;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#current = options.start;
    const scope = options.metrics.scope("config");
    this.#reloads = scope.counter("reloads");
    this.#failures = scope.counter("reload_failures");
  }

  /** What runs. */
  get current(): Generation {
    return this.#current;
  }

  /** Reloads; whoever asks while one is under way shares the one that follows it. `why` is for the log. */
  reload(why: string): Promise<ReloadResult> {
    if (this.#waiting !== undefined) return this.#waiting;
    if (this.#running === undefined) return this.#begin(why);
    this.#waiting = this.#running.then(() => {
      this.#waiting = undefined;
      return this.#begin(why);
    });
    return this.#waiting;
  }

  /** Whether one is under way. */
  get busy(): boolean {
    return this.#running !== undefined;
  }

  /** Refuses every reload from now on for this reason; undefined: no more. */
  refuse(reason: string | undefined): void {
    this.#refusal = reason;
  }

  /** Refuses every reload from now on; resolves when the one that is under way is done. */
  async end(): Promise<void> {
    this.refuse("the daemon is shutting down");
    await this.#running;
  }

  #begin(why: string): Promise<ReloadResult> {
    const { observer } = this.#options;
    observer?.began();
    this.#running = this.#reload(why).then((result) => {
      this.#running = undefined;
      observer?.ended(result);
      return result;
    });
    return this.#running;
  }

  async #reload(why: string): Promise<ReloadResult> {
    const { accessLogs, log, nowMs, read } = this.#options;
    const startedMs = nowMs();
    // Whoever moves log files away sends SIGHUP, and need not have changed the configuration.
    void accessLogs.reopen();
    if (this.#refusal !== undefined) return this.#refuse(why, [this.#refusal], true);
    if (read === undefined) {
      const problem = "the configuration came from standard input, which cannot be read again; give a file";
      return this.#refuse(why, [problem], true);
    }
    try {
      const found = await read();
      if (found.config === undefined) {
        return this.#refuse(
          why,
          found.issues.map((issue) => showIssue(found.fileName, issue)),
        );
      }
      const last = this.#current;
      const { next, workers, switchLogs } = await this.#prepare(found, found.config);
      await this.#commit(next, workers, switchLogs);
      const routers = diffRouters(last.written, next.written);
      const needsRestart = restartKeys(last.config, { ...next.written, routers: next.config.routers });
      this.#forget(last, next, routers.removed);
      this.#reloads.incr();
      const ms = nowMs() - startedMs;
      log.info("the configuration was reloaded", { why, ...routers, ms });
      for (const key of needsRestart) log.warn(`${key} needs a restart`, { why });
      return { reloaded: true, routers, needsRestart, ms };
    } catch (cause) {
      this.#options.listeners.keep(this.#current.config);
      if (cause instanceof ConfigError) {
        return this.#refuse(
          why,
          cause.issues.map((issue) => showIssue(cause.fileName, issue)),
        );
      }
      return this.#refuse(why, [cause instanceof Error ? cause.message : String(cause)]);
    }
  }

  async #prepare(found: ConfigRead, written: LinkerdConfig) {
    const last = this.#current;
    const source = { path: found.fileName, text: found.text };
    const running = withRunning(last, written);
    const { listeners } = this.#options;
    const config = applicable(
      last.config,
      await listeners.prepare(running.config, source, running.listeners),
    );
    const { text, places, registry } = found;
    await this.#options.files.prepare(config, source);
    const workers = this.#options.workers();
    try {
      const feeds = await this.#options.feeds.prepare(config, registry);
      const files = this.#options.files.current();
      const next = createGeneration(
        { written, config, text, places, files, feeds, parts: { ...last.parts, registry } },
        last,
      );
      const prepared = await Promise.allSettled(workers.map((worker) => this.#prepareWorker(worker, next)));
      const refusal = prepared.find((each) => each.status === "rejected");
      if (refusal !== undefined) throw refusal.reason;
      return { next, workers, switchLogs: await this.#options.accessLogs.prepare(config) };
    } catch (cause) {
      for (const worker of workers) worker.rollback();
      this.#options.feeds.keep(last.config);
      throw cause;
    }
  }

  async #prepareWorker(worker: Workers[number], { setup }: Generation): Promise<void> {
    const shared = await this.#options.listeners.share(setup, worker.setup);
    // Taken in the turn in which it is sent, so that no change of a file is overtaken.
    await worker.prepare({ ...setup, files: this.#options.files.current() }, shared);
  }

  async #commit(next: Generation, workers: Workers, switchLogs: () => void): Promise<void> {
    const { announcements, binder, files, feeds, log } = this.#options;
    // Nobody is to be sent to a server that stops.
    await announcements.withdraw(next.config.routers);
    // Before the workers: the new routers' first names come as soon as one has committed.
    this.#current = next;
    binder.replace(routerNamings(next));
    switchLogs();
    files.keep(next.config);
    feeds.keep(next.config);
    // One that has died is started again, with what is current.
    await Promise.allSettled(workers.map((worker) => worker.commit(next.setup)));
    // One that was started meanwhile, with what was current then.
    for (const worker of this.#options.workers()) {
      if (worker.setup.routers === next.setup.routers) continue;
      try {
        await this.#prepareWorker(worker, next);
        await worker.commit(next.setup);
      } catch (cause) {
        log.error("a worker cannot go over to the new configuration, and is started again", { cause });
        await worker.terminate();
      }
    }
    // What workers still prepared above may have been of the configuration before.
    this.#options.listeners.keep(next.config);
    binder.forget();
    announcements.announce(next.config.routers, next.parts.registry);
  }

  // The series of what is gone from the control thread.
  #forget(last: Generation, next: Generation, labels: readonly string[]): void {
    const { metrics } = this.#options;
    for (const label of labels) metrics.scope("rt", label).close();
    const names = new Set(next.naming.namers.map(({ prefix }) => prefix.show()));
    for (const { prefix } of last.naming.namers) {
      if (!names.has(prefix.show())) metrics.scope("namer", prefix.show().slice(1)).close();
    }
  }

  #refuse(why: string, problems: readonly string[], impossible?: true): ReloadResult {
    this.#failures.incr();
    this.#options.log.error("the configuration was not reloaded, the one before serves on", {
      why,
      problems,
    });
    return { reloaded: false, problems, ...(impossible === undefined ? {} : { impossible }) };
  }
}
