/** All files that what a configuration says stands on, as the workers get them: of TLS, and of keys for overrides. */
import type { LinkerdConfig } from "../../../config/schema.ts";
import type { Clock, MetricsScope } from "../../../plugins/contract.ts";
import type { ToWorker, WorkerFiles } from "../../shared/messages.ts";
import type { ConfigSource } from "../listeners.ts";
import type { Logging } from "../logging.ts";
import { overrideKeyBlocks, overrideKeyFiles } from "../overrides/override-key-files.ts";
import { TlsFiles } from "../tls/tls-files.ts";

/** What it needs; `send` reaches every worker. */
export interface FilesOfWorkersOptions {
  readonly clock: Clock;
  readonly logging: Pick<Logging, "logger">;
  readonly metrics: MetricsScope;
  send(message: ToWorker): void;
}

/** See the file's comment. */
export class FilesOfWorkers {
  readonly tls: TlsFiles;
  readonly #overrideKeys: ReturnType<typeof overrideKeyFiles>;

  constructor({ clock, logging, metrics, send }: FilesOfWorkersOptions) {
    this.tls = new TlsFiles({ clock, log: logging.logger("tls"), metrics: metrics.scope("tls") });
    this.tls.onChange((key, material) => send({ type: "tls", key, material }));
    this.#overrideKeys = overrideKeyFiles(
      { clock, log: logging.logger("overrides"), metrics: metrics.scope("overrides") },
      (file, keys) => send({ type: "overrideKeys", file, keys }),
    );
  }

  /** Reads what a configuration names and is not known yet; throws a `ConfigError` with every block that cannot be used. */
  async prepare(config: LinkerdConfig, source: ConfigSource): Promise<void> {
    await this.tls.prepare(config, source);
    await this.#overrideKeys.prepare(overrideKeyBlocks(config), source);
  }

  /** This configuration runs: what no block of it needs is forgotten. */
  keep(config: LinkerdConfig): void {
    this.tls.keep(config);
    this.#overrideKeys.keep(overrideKeyBlocks(config));
  }

  /** What a worker starts with; to be sent within the same turn, so that no change overtakes it. */
  current(): WorkerFiles {
    return { tls: this.tls.materials(), overrideKeys: this.#overrideKeys.all((keys) => keys) };
  }

  /** Watches until the signal. */
  watch(signal: AbortSignal): void {
    this.tls.watch(signal);
    this.#overrideKeys.watch(signal);
  }
}
