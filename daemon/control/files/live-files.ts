/**
 * Files that settings stand on: read and tried before anything starts, and again whenever one of them changes. What is
 * good is told; what is not changes nothing, and is logged.
 *
 * Files are watched in the control thread: once for all workers, and off the data path.
 */
import type { Clock, Logger, MetricsScope } from "../../../plugins/contract.ts";
import { followFile } from "../../../plugins/lib/watch-file.ts";
import { type ConfigSource, listenError } from "../listeners.ts";

/** What belongs together may be several files, and nobody writes all at once. */
const settleMs = 200;

/** A block of the configuration that stands on files. */
export interface FileBlock<S> {
  /** Its place, for messages. */
  readonly path: string;
  /** Blocks that say the same share what is read. */
  readonly key: string;
  readonly spec: S;
}

/** What it needs, and how blocks of a kind are read. */
export interface LiveFilesOptions<S, R> {
  readonly clock: Clock;
  readonly log: Logger;
  /** For `reloads` and `reload_failures`. */
  readonly metrics: MetricsScope;
  /** What the log calls them: `TLS files`. */
  readonly what: string;
  filesOf(spec: S): readonly string[];
  /** Rejects with an error that names the file if it cannot be used. */
  read(spec: S): Promise<R>;
  same(a: R, b: R): boolean;
  /** This is what new use is made of from now on. */
  changed(key: string, read: R): void;
}

/** See the file's comment. */
export class LiveFiles<S, R> {
  readonly #options: LiveFilesOptions<S, R>;
  readonly #kept = new Map<string, { readonly spec: S; readonly read: R }>();
  readonly #watches = new Map<string, AbortController>();
  readonly #due = new Set<string>();
  #signal: AbortSignal | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: LiveFilesOptions<S, R>) {
    this.#options = options;
  }

  /** Reads what is not known yet; throws a `ConfigError` with every block that cannot be used. */
  async prepare(blocks: readonly FileBlock<S>[], source: ConfigSource): Promise<void> {
    const problems: { readonly path: string; readonly message: string }[] = [];
    for (const { path, key, spec } of blocks) {
      if (this.#kept.has(key)) continue;
      try {
        this.#kept.set(key, { spec, read: await this.#options.read(spec) });
      } catch (cause) {
        problems.push({ path, message: (cause as Error).message });
      }
    }
    if (problems.length > 0) throw listenError(source, problems);
    this.#follow();
  }

  /** Forgets what none of these blocks needs. */
  keep(blocks: readonly FileBlock<S>[]): void {
    const keys = new Set(blocks.map(({ key }) => key));
    for (const key of this.#kept.keys()) if (!keys.has(key)) this.#kept.delete(key);
    this.#follow();
  }

  /** What was read for a key. */
  get(key: string): R | undefined {
    return this.#kept.get(key)?.read;
  }

  /** Everything that was read; undefined if nothing is needed. */
  all<T>(part: (read: R) => T): Readonly<Record<string, T>> | undefined {
    if (this.#kept.size === 0) return undefined;
    return Object.fromEntries([...this.#kept].map(([key, { read }]) => [key, part(read)]));
  }

  /** Watches until the signal. */
  watch(signal: AbortSignal): void {
    this.#signal = signal;
    this.#follow();
  }

  // Follows the files of what is kept, and no others.
  #follow(): void {
    const signal = this.#signal;
    if (signal === undefined) return;
    const { filesOf, clock } = this.#options;
    const wanted = new Set([...this.#kept.values()].flatMap(({ spec }) => filesOf(spec)));
    for (const [file, watch] of this.#watches) {
      if (wanted.has(file)) continue;
      watch.abort();
      this.#watches.delete(file);
    }
    for (const file of wanted) {
      if (this.#watches.has(file)) continue;
      const watch = new AbortController();
      this.#watches.set(file, watch);
      const both = AbortSignal.any([signal, watch.signal]);
      void followFile(file, clock, both, () => this.#changed(file));
    }
  }

  #changed(file: string): void {
    for (const [key, { spec }] of this.#kept) {
      if (!this.#options.filesOf(spec).includes(file) || this.#due.has(key)) continue;
      this.#due.add(key);
      this.#turn = this.#turn.then(async () => {
        await this.#options.clock.sleep(settleMs, this.#signal);
        this.#due.delete(key);
        if (this.#signal?.aborted !== true) await this.#reload(key);
      });
    }
  }

  async #reload(key: string): Promise<void> {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    const { spec, read: old } = kept;
    const { log, metrics, what } = this.#options;
    const files = this.#options.filesOf(spec);
    let read: R;
    try {
      read = await this.#options.read(spec);
    } catch (cause) {
      metrics.counter("reload_failures").incr();
      log.error(`${what} changed and cannot be used; the old ones stay`, {
        cause: (cause as Error).message,
        files,
      });
      return;
    }
    if (!this.#kept.has(key) || this.#options.same(read, old)) return;
    this.#kept.set(key, { spec, read });
    metrics.counter("reloads").incr();
    log.info(`${what} changed; the new ones are in use`, { files });
    this.#options.changed(key, read);
  }
}
