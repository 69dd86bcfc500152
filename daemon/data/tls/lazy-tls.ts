/** The TLS of a worker, loaded when a configuration first needs it: `node:tls` takes 6 MB. */
import type { ClientTls, ServerTls } from "../../../config/schema.ts";
import type { TlsMaterial } from "../../../config/tls-spec.ts";
import type { Logger } from "../../../plugins/contract.ts";
import type { TlsContexts } from "./tls-contexts.ts";
import type { TlsServer, TlsServerOptions } from "./tls-server.ts";

/** What is loaded for a setup stays. */
export class LazyTls {
  readonly #log: Logger;
  #contexts: TlsContexts | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Makes ready for the blocks of a setup; must have ended before one of them is used. */
  async prepare(materials: Readonly<Record<string, TlsMaterial>> | undefined): Promise<void> {
    if (materials === undefined) return;
    this.#contexts ??= new (await import("./tls-contexts.ts")).TlsContexts(this.#log);
    for (const [key, material] of Object.entries(materials)) this.#contexts.update(key, material);
  }

  /** Files that a block stands on changed. */
  update(key: string, material: TlsMaterial): void {
    this.#contexts?.update(key, material);
  }

  /** What shakes hands with the callers of a listener. */
  server(tls: ServerTls, options: TlsServerOptions): TlsServer {
    return this.#contexts!.server(tls, options);
  }

  /** What connects to the endpoints of a client; undefined where its block switches TLS off. */
  connector(tls: ClientTls): ReturnType<TlsContexts["connector"]> {
    return tls.enabled ? this.#contexts!.connector(tls) : undefined;
  }
}
