/**
 * The TLS files of a daemon, as live files: what is good goes to the workers, what is not changes nothing; and how long
 * the certificates in them still hold.
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
import type { AdminTls } from "../admin/admin-tls.ts";
import { LiveFiles } from "../files/live-files.ts";
import type { ConfigSource } from "../listeners.ts";
import type { Expiry, ReadMaterial } from "./material.ts";
import { tlsBlocks } from "./tls-blocks.ts";

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

/** See the file's comment. */
export class TlsFiles {
  readonly #options: TlsFilesOptions;
  readonly #files: LiveFiles<TlsSpec, ReadMaterial>;
  readonly #listeners: ((key: string, material: TlsMaterial) => void)[] = [];
  /** By what may run out, and where it stands. */
  readonly #gauges = new Map<string, { readonly scope: MetricsScope; readonly gauge: Gauge }>();
  readonly #warned = new Map<string, number>();
  /** Loaded with the first block. */
  #load: typeof import("./material.ts") | undefined;

  constructor(options: TlsFilesOptions) {
    this.#options = options;
    this.#files = new LiveFiles({
      ...options,
      what: "TLS files",
      filesOf: tlsFiles,
      read: (spec) => this.#load!.readMaterial(spec),
      same: (a, b) => sameMaterial(a.material, b.material),
      changed: (key, { material }) => {
        this.#tellExpiry();
        for (const listener of this.#listeners) listener(key, material);
      },
    });
  }

  /** Reads what a configuration names and is not known yet; throws a `ConfigError` with every block that cannot be used. */
  async prepare(config: LinkerdConfig, source: ConfigSource): Promise<void> {
    const blocks = tlsBlocks(config);
    if (blocks.length === 0) return;
    this.#load ??= await import("./material.ts");
    await this.#files.prepare(blocks, source);
    this.#tellExpiry();
  }

  /** This configuration runs: what no block of it needs is forgotten. */
  keep(config: LinkerdConfig): void {
    this.#files.keep(tlsBlocks(config));
    this.#tellExpiry();
  }

  /** What a worker starts with, by `tlsKey`; undefined where there is none. */
  materials(): Readonly<Record<string, TlsMaterial>> | undefined {
    return this.#files.all(({ material }) => material);
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
      options: contextOptions(spec, this.#files.get(own)!.material),
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
    this.#files.watch(signal);
    void this.#watchExpiry(signal);
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
    const read = Object.values(this.#files.all(({ expiries: ends }) => ends) ?? {});
    for (const expiry of read.flat()) expiries.set(`${expiry.what} ${expiry.path}`, expiry);
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
