/** The TLS contexts of a worker: one for each that the configuration needs, replaced when the control thread says so. */
import type { SecureContextOptions } from "node:tls";
import type { ClientTls, ServerTls } from "../../../config/schema.ts";
import { contextOptions } from "../../../config/tls-options.ts";
import {
  clientTlsSpec,
  sameMaterial,
  serverTlsSpec,
  type TlsMaterial,
  type TlsSpec,
  tlsKey,
} from "../../../config/tls-spec.ts";
import type { Logger } from "../../../plugins/contract.ts";
import type { TlsStats } from "../stats.ts";
import { ClientConnector } from "./client-connector.ts";
import type { LiveOptions } from "./live-options.ts";
import { TlsServer, type TlsServerOptions } from "./tls-server.ts";

/** See the file's comment. */
export class TlsContexts {
  readonly #log: Logger;
  readonly #materials = new Map<string, TlsMaterial>();
  readonly #live = new Map<string, { options: SecureContextOptions; generation: number; spec: TlsSpec }>();
  readonly #servers = new Map<TlsServer, string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** What shakes hands with the callers of a listener. */
  server(tls: ServerTls, options: TlsServerOptions): TlsServer {
    const spec = serverTlsSpec(tls);
    const context = this.#liveOf(spec).options;
    const server: TlsServer = new TlsServer(context, spec.trust !== "none", options, this.#log, () =>
      this.#servers.delete(server),
    );
    this.#servers.set(server, tlsKey(spec));
    return server;
  }

  /** Connects to the endpoints of one client; undefined where its block switches TLS off. */
  connector(tls: ClientTls): ((stats: TlsStats) => ClientConnector) | undefined {
    const spec = clientTlsSpec(tls);
    if (spec === undefined) return undefined;
    const live = this.#liveOf(spec);
    const { disableValidation, commonName: name, expectedIdentity: identity } = tls;
    return (stats) => new ClientConnector(live, { name, identity, validates: !disableValidation }, stats);
  }

  /** New connections use this from now on. */
  update(key: string, material: TlsMaterial): void {
    const old = this.#materials.get(key);
    if (old !== undefined && sameMaterial(old, material)) return;
    this.#materials.set(key, material);
    const live = this.#live.get(key);
    if (live === undefined) return;
    live.options = contextOptions(live.spec, material);
    live.generation++;
    for (const [server, its] of this.#servers) if (its === key) server.use(live.options);
  }

  #liveOf(spec: TlsSpec): LiveOptions {
    const key = tlsKey(spec);
    let live = this.#live.get(key);
    if (live === undefined) {
      live = { options: contextOptions(spec, this.#materials.get(key)!), generation: 0, spec };
      this.#live.set(key, live);
    }
    return live;
  }
}
