/** A listening port of a worker: accepts connections and hands them to the codec, until it is drained. */
import type net from "node:net";
import { defaults } from "../../../config/entries.ts";
import type { Logger } from "../../../plugins/contract.ts";
import { H1ServerConnection, type H1ServerContext } from "../codec/h1/server-connection.ts";
import type { CallerPeer } from "../exchange-streams.ts";
import type { Roster } from "../roster.ts";
import type { Router } from "../router/router.ts";
import type { RouterServer } from "../router/router-server.ts";
import type { Sweeper } from "../sweeper.ts";
import type { LazyTls } from "../tls/lazy-tls.ts";
import type { TlsServer } from "../tls/tls-server.ts";
import { SocketTransport } from "../transport/socket-transport.ts";
import type { OpenTransport } from "../transport/transport.ts";
import { AcceptedOptions } from "./accepted-options.ts";
import { type Accepted, createAcceptor } from "./acceptor.ts";

/** A caller that takes nothing of its answer for this long is cut off, unless `writeTimeoutMs` says otherwise. */
const defaultWriteTimeoutMs = 60_000;
/** Connections that wait to be accepted. */
const defaultBacklog = 4096;

/** What a listener is opened with. */
export interface ListenAddress {
  readonly ip: string;
  readonly port: number;
  readonly socketOptions: { readonly backlog?: number | undefined };
}

/**
 * One listener. Opened first, and told whom it serves afterwards, and again at each reload: its connections go on, and
 * their next request is the new router's.
 */
export class Listener {
  readonly #address: ListenAddress;
  readonly #tls: LazyTls;
  readonly #log: Logger;
  readonly #connections: Roster<H1ServerConnection>;
  readonly #listening: net.Server;
  readonly #acceptedOptions: AcceptedOptions;
  /** Accepted before it was known whom they are for. */
  #early: Accepted[] = [];
  #server: RouterServer | undefined;
  /** Shared by all connections, and overwritten when the router changes. */
  #context: H1ServerContext | undefined;
  /** Shakes hands first, where the server speaks TLS. */
  #secure: TlsServer | undefined;
  #secureOpen = 0;
  #draining: Drain | undefined;

  constructor(address: ListenAddress, sweeper: Sweeper, tls: LazyTls, log: Logger) {
    this.#tls = tls;
    this.#address = address;
    this.#connections = sweeper.roster();
    this.#log = log;
    this.#listening = createAcceptor((accepted) => {
      if (this.#context === undefined) this.#early.push(accepted);
      else this.#accept(accepted, this.#context);
    });
    this.#acceptedOptions = new AcceptedOptions(this.#listening, this.#backlog);
  }

  /**
   * Accepts from now on, from the socket of this descriptor, which all workers share, or from one of its own; rejects if
   * the port cannot be had.
   */
  listen(fd?: number): Promise<void> {
    const { ip, port } = this.#address;
    const backlog = this.#backlog;
    return new Promise((resolve, reject) => {
      this.#listening.once("error", reject);
      const listening = (): void => {
        this.#listening.off("error", reject);
        this.#listening.on("error", (cause) =>
          this.#log.error("a listener failed", { server: `${ip}/${port}`, cause: cause.message }),
        );
        resolve();
      };
      // With a descriptor Node.js takes the backlog from the second argument alone.
      if (fd === undefined) this.#listening.listen({ host: ip, port, backlog, reusePort: true }, listening);
      else this.#listening.listen({ fd }, backlog, listening);
    });
  }

  /** Every request that begins from now on is this router's; those in flight end where they are. */
  serve(router: Router, server: RouterServer): void {
    this.#server?.connections.moved(-this.#connections.size);
    this.#server?.tls?.moved(-this.#secureOpen);
    server.connections.moved(this.#connections.size);
    server.tls?.moved(this.#secureOpen);
    if (this.#server !== server) {
      this.#secure?.close();
      this.#secure = this.#secureOf(server);
    }
    this.#server = server;
    this.#acceptedOptions.set(server.config.socketOptions);
    const context = this.#contextOf(router, server);
    this.#context = this.#context === undefined ? context : Object.assign(this.#context, context);
    for (const accepted of this.#early.splice(0)) this.#accept(accepted, this.#context);
  }

  /** Accepts no more, and drops what came before anybody was served. */
  close(): void {
    this.#listening.close();
    for (const accepted of this.#early.splice(0)) accepted.destroy();
  }

  /**
   * Accepts no more, and asks callers to connect anew with their next answer; who asks nothing is let go between half of
   * `idleMs` and the whole, not all at once. Resolves when the last connection has ended.
   */
  drain(idleMs: number): Promise<void> {
    this.close();
    this.#secure?.close();
    // Callers in the middle of their handshake have a request to send.
    const abandon = setTimeout(() => this.#secure?.abandon(), idleMs);
    return new Promise((resolve) => {
      const idleUntilMs = performance.now() + idleMs;
      this.#draining = {
        idleMs,
        idleUntilMs,
        end: () => {
          clearTimeout(abandon);
          resolve();
        },
      };
      for (const connection of this.#connections) connection.drain(idleEnd(this.#draining));
      this.#restIfEmpty();
    });
  }

  /** Asks this share of its callers to connect anew, after their next answer. */
  shed(share: number): void {
    let due = 0;
    for (const connection of this.#connections) {
      due += share;
      if (due < 1) continue;
      due--;
      connection.shed();
    }
  }

  /** Cuts what is left. */
  destroy(): void {
    for (const connection of [...this.#connections]) connection.destroy();
  }

  #secureOf({ config, name, tls: stats }: RouterServer): TlsServer | undefined {
    if (config.tls === undefined || stats === undefined) return undefined;
    return this.#tls.server(config.tls, {
      name,
      stats,
      accept: (socket, elapsedMs, peer) => this.#acceptSecure(socket, elapsedMs, peer),
    });
  }

  #accept(accepted: Accepted, context: H1ServerContext): void {
    const socketOptions = this.#acceptedOptions.next();
    if (this.#secure !== undefined) {
      const socket = accepted.socket(socketOptions);
      socket.on("close", () => this.#restIfEmpty());
      this.#secure.take(socket);
      return;
    }
    this.#serve((owner) => accepted.open(socketOptions, owner), context);
  }

  get #backlog(): number {
    return this.#address.socketOptions.backlog ?? defaultBacklog;
  }

  #acceptSecure(socket: net.Socket, elapsedMs: number, peer: CallerPeer | undefined): void {
    this.#secureOpen++;
    this.#server!.tls?.opened(elapsedMs);
    socket.on("close", () => {
      this.#secureOpen--;
      this.#server!.tls?.closed();
    });
    this.#serve((owner) => SocketTransport.accepted(socket, owner), this.#context!, peer);
  }

  #serve(open: OpenTransport, context: H1ServerContext, peer?: CallerPeer): void {
    const connection = new H1ServerConnection(open, context, peer);
    this.#connections.add(connection);
    if (this.#draining !== undefined) connection.drain(idleEnd(this.#draining));
  }

  #contextOf(router: Router, server: RouterServer): H1ServerContext {
    const { config } = server;
    const { config: routerConfig } = router;
    return {
      accept: (exchange) => router.accept(server, exchange),
      refusal: (error) => router.refusal(error),
      limits: {
        maxHeadersBytes: routerConfig.maxHeadersKB * 1024,
        maxInitialLineBytes: routerConfig.maxInitialLineKB * 1024,
      },
      bufferedBodyBytes: routerConfig.streamingEnabled
        ? (routerConfig.streamAfterContentLengthKB ?? defaults.streamAfterContentLengthKB) * 1024
        : -1,
      headTimeoutMs: config.requestHeadTimeoutMs,
      bodyTimeoutMs: config.socketOptions.readTimeoutMs ?? config.requestBodyTimeoutMs,
      idleTimeoutMs: strictestMs(config.serverSession.idleTimeMs, config.socketOptions.readTimeoutMs),
      lifeTimeoutMs: config.serverSession.lifeTimeMs ?? 0,
      writeTimeoutMs: config.socketOptions.writeTimeoutMs ?? defaultWriteTimeoutMs,
      stats: server.connections,
      closed: (connection) => {
        this.#connections.remove(connection);
        this.#restIfEmpty();
      },
    };
  }

  #restIfEmpty(): void {
    if (this.#connections.size === 0 && !this.#secure?.busy) this.#draining?.end();
  }
}

/** The lesser of two limits, of which 0 and absence are none. */
const strictestMs = (a: number, b: number | undefined): number =>
  b === undefined || b === 0 ? a : a === 0 ? b : Math.min(a, b);

/** A drain that is under way. */
interface Drain {
  readonly idleMs: number;
  /** In the worker's milliseconds. */
  readonly idleUntilMs: number;
  readonly end: () => void;
}

// When a connection that is drained ends if nothing comes on it.
const idleEnd = ({ idleMs, idleUntilMs }: Drain): number => idleUntilMs - (idleMs / 2) * Math.random();
