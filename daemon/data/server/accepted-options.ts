/** The socket options that accepted connections have to be told, which are fewer where they inherit TCP_NODELAY. */
import type net from "node:net";
import type { SocketOptions } from "../transport/handle-transport.ts";
import { inheritNoDelay } from "./acceptor.ts";

/** See the file's comment. */
export class AcceptedOptions {
  readonly #server: net.Server;
  /** Connections that wait to be accepted, at most. */
  readonly #backlog: number;
  /** Undefined until they are set: a socket that another process opened may be told already. */
  #configured: SocketOptions | undefined;
  #inheriting: SocketOptions = { noDelay: false };
  /** So many of those to come may have been waiting since before there was anything to inherit. */
  #uninherited = 0;

  constructor(server: net.Server, backlog: number) {
    this.#server = server;
    this.#backlog = backlog;
  }

  /** From now on; the server listens already. */
  set(options: SocketOptions): void {
    const { noDelay, keepAlive } = options;
    if (noDelay !== this.#configured?.noDelay)
      this.#uninherited = inheritNoDelay(this.#server, noDelay) ? this.#backlog : Number.POSITIVE_INFINITY;
    this.#configured = options;
    this.#inheriting = { noDelay: false, keepAlive };
  }

  /** Those of the connection that has been accepted next. */
  next(): SocketOptions {
    if (this.#configured === undefined || this.#uninherited <= 0) return this.#inheriting;
    this.#uninherited--;
    return this.#configured;
  }
}
