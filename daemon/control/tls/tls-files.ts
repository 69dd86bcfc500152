/**
 * The TLS files of a daemon: read and tried before anything starts, and again whenever one of them changes. What is good
 * goes to the workers; what is not changes nothing, and is told.
 *
 * Files are watched here rather than in the workers: once for all of them, and off the data path.
 */
import type { LinkerdConfig, ServerTls } from "../../../config/schema.ts";
import {
  sameMaterial,
  serverTlsSpec,
  type TlsMaterial,
  type TlsSpec,
  tlsFiles,
  tlsKey,
} from "../../../config/tls-spec.ts";
import type { Clock, Gauge, Logger, MetricsScope } from "../../../plugins/contract.ts";
import { followFile } from "../../../plugins/lib/watch-file.ts";
import type { AdminTls } from "../admin/admin-tls.ts";
import { type ConfigSource, listenError } from "../listeners.ts";
import type { Expiry, ReadMaterial } from "./material.ts";
import { tlsBlocks } from "./tls-blocks.ts";

/** A certificate and its key are two files, and nobody writes both at once. */
const settleMs = 200;
/** How often what is left of certificates is looked at. */
const expiryLookMs = 60_000;
const dayMs = 86_400_000;
/** From here on the log warns of the end, once a day. Lists of what was revoked are made anew every few days. */
const warnBeforeMs: Readonly<Record<Expiry["what"], number>> = {
  certificate: 30 * dayMs,
  authorities: 30 * dayMs,
  crl: dayMs,
};

/** What it needs. */
export interface TlsFilesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsScope;
}

interface Kept extends ReadMaterial {
  readonly spec: TlsSpec;
}

/** See the file's comment. */
export class TlsFiles {
  readonly #options: TlsFilesOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #listeners: ((key: string, material: TlsMaterial) => void)[] = [];
  readonly #watches = new Map<string, AbortController>();
  readonly #due = new Set<string>();
  /** By what may run out, and where it stands. */
  readonly #gauges = new Map<string, { readonly scope: MetricsScope; readonly gauge: Gauge }>();
  readonly #warned = new Map<string, number>();
  #signal: AbortSignal | undefined;
  #turn: Promise<void> = Promise.resolve();
  /** Loaded with the first block. */
  #load: typeof import("./material.ts") | undefined;

  constructor(options: TlsFilesOptions) {
    this.#options = options;
  }

  /**
   * Reads what a configuration names and is not known yet, and returns what its workers need, by `tlsKey`; throws a
   * `ConfigError` with every block that cannot be used.
   */
  async prepare(
    config: LinkerdConfig,
    source: ConfigSource,
  ): Promise<Readonly<Record<string, TlsMaterial>> | undefined> {
    const blocks = tlsBlocks(config);
    if (blocks.length === 0) return undefined;
    this.#load ??= await import("./material.ts");
    const problems: { readonly path: string; readonly message: string }[] = [];
    for (const { path, spec } of blocks) {
      const key = tlsKey(spec);
      if (this.#kept.has(key)) continue;
      try {
        this.#kept.set(key, { spec, ...(await this.#load.readMaterial(spec)) });
      } catch (cause) {
        problems.push({ path, message: (cause as Error).message });
      }
    }
    if (problems.length > 0) throw listenError(source, problems);
    this.#follow();
    return this.materials();
  }

  /** This configuration runs: what no block of it needs is forgotten. */
  keep(config: LinkerdConfig): void {
    const keys = new Set(tlsBlocks(config).map(({ spec }) => tlsKey(spec)));
    for (const key of this.#kept.keys()) if (!keys.has(key)) this.#kept.delete(key);
    this.#follow();
  }

  /** What a worker starts with, by `tlsKey`. */
  materials(): Readonly<Record<string, TlsMaterial>> | undefined {
    if (this.#kept.size === 0) return undefined;
    return Object.fromEntries([...this.#kept].map(([key, { material }]) => [key, material]));
  }

  /** Calls back with what replaces the material of a key. */
  onChange(changed: (key: string, material: TlsMaterial) => void): void {
    this.#listeners.push(changed);
  }

  /** For the admin server, whose block must be one of the configuration. */
  server(tls: ServerTls): AdminTls {
    const spec = serverTlsSpec(tls);
    const own = tlsKey(spec);
    const { contextOptions } = this.#load!;
    return {
      options: contextOptions(spec, this.#kept.get(own)!.material),
      requestCert: tls.requireClientAuth,
      onChange: (changed) => {
        this.onChange((key, material) => {
          if (key === own) changed(contextOptions(spec, material));
        });
      },
    };
  }

  /** Watches until the signal. */
  watch(signal: AbortSignal): void {
    this.#signal = signal;
    this.#follow();
    void this.#watchExpiry(signal);
  }

  // Follows the files of what is kept, and no others.
  #follow(): void {
    const signal = this.#signal;
    if (signal === undefined) return;
    const wanted = new Set([...this.#kept.values()].flatMap(({ spec }) => tlsFiles(spec)));
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
      void followFile(file, this.#options.clock, both, () => this.#changed(file));
    }
    this.#tellExpiry();
  }

  #changed(file: string): void {
    for (const [key, { spec }] of this.#kept) {
      if (!tlsFiles(spec).includes(file) || this.#due.has(key)) continue;
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
    const { spec, material: old } = kept;
    const { log, metrics } = this.#options;
    const files = tlsFiles(spec);
    let read: ReadMaterial;
    try {
      read = await this.#load!.readMaterial(spec);
    } catch (cause) {
      metrics.counter("reload_failures").incr();
      log.error("TLS files changed and cannot be used; the old ones stay", {
        cause: (cause as Error).message,
        files,
      });
      return;
    }
    const { material } = read;
    if (!this.#kept.has(key)) return;
    if (sameMaterial(material, old)) return;
    this.#kept.set(key, { spec, ...read });
    metrics.counter("reloads").incr();
    log.info("TLS files changed; new connections use them", { files });
    this.#tellExpiry();
    for (const listener of this.#listeners) listener(key, material);
  }

  async #watchExpiry(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#tellExpiry();
      await this.#options.clock.sleep(expiryLookMs, signal);
    }
  }

  #tellExpiry(): void {
    const { clock, metrics } = this.#options;
    const now = clock.now();
    const expiries = new Map<string, Expiry>();
    for (const kept of this.#kept.values())
      for (const expiry of kept.expiries) expiries.set(`${expiry.what} ${expiry.path}`, expiry);
    for (const [key, { scope }] of this.#gauges) {
      if (expiries.has(key)) continue;
      this.#gauges.delete(key);
      this.#warned.delete(key);
      scope.close();
    }
    for (const [key, expiry] of expiries) {
      let kept = this.#gauges.get(key);
      if (kept === undefined) {
        const scope = metrics.scope(expiry.what, expiry.path);
        kept = { scope, gauge: scope.gauge("expires_in_seconds") };
        this.#gauges.set(key, kept);
      }
      kept.gauge.set(Math.floor((expiry.atMs - now) / 1000));
      this.#warn(key, expiry, now);
    }
  }

  #warn(key: string, { path, what, atMs }: Expiry, now: number): void {
    if (atMs - now >= warnBeforeMs[what]) {
      this.#warned.delete(key);
      return;
    }
    if (now - (this.#warned.get(key) ?? -Infinity) < dayMs) return;
    this.#warned.set(key, now);
    const message = atMs <= now ? `TLS ${what} expired` : `TLS ${what} will expire soon`;
    this.#options.log.warn(message, {
      file: path,
      expires: new Date(atMs).toISOString(),
      days: Math.floor((atMs - now) / dayMs),
    });
  }
}
