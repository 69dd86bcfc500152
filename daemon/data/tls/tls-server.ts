/** The accepting half of TLS: handshakes of callers, in time, and a count of those that fail. */
import { constants } from "node:crypto";
import type { Socket } from "node:net";
import * as tls from "node:tls";
import type { Logger } from "../../../plugins/contract.ts";
import { reportBug } from "../bugs.ts";
import type { CallerPeer } from "../exchange-streams.ts";
import { type Member, nowhere, Roster } from "../roster.ts";
import type { TlsStats } from "../stats.ts";
import { socketBelow } from "../transport/socket-below.ts";
import { callerPeer } from "./peer.ts";

/** A caller that has not shaken hands by then is cut off. */
const handshakeTimeoutMs = 10_000;

/** What a listener gives it. */
export interface TlsServerOptions {
  readonly stats: TlsStats;
  /** `ip/port`, for the log. */
  readonly name: string;
  /** The handshake was done in so long; `peer` is whom the caller's certificate names. */
  accept(socket: Socket, elapsedMs: number, peer: CallerPeer | undefined): void;
}

/** A caller in its handshake. */
interface Shaking extends Member {
  readonly socket: Socket;
  readonly since: number;
}

/** Where a socket keeps its handshake. */
const link = Symbol("handshake");

interface Linked extends Socket {
  [link]?: Shaking;
}

/** Shakes hands with the callers that a listener accepts. */
export class TlsServer {
  readonly #server: tls.Server;
  readonly #options: TlsServerOptions;
  readonly #log: Logger;
  readonly #closed: () => void;
  readonly #shaking = new Roster<Shaking>();

  constructor(
    context: tls.SecureContextOptions,
    requestCert: boolean,
    options: TlsServerOptions,
    log: Logger,
    closed: () => void,
  ) {
    this.#options = options;
    this.#log = log;
    this.#closed = closed;
    // It never listens: what is accepted elsewhere is handed to it.
    this.#server = tls.createServer({
      ...onServers(context),
      requestCert,
      rejectUnauthorized: true,
      handshakeTimeout: handshakeTimeoutMs,
    });
    this.#server.on("secureConnection", (socket) => this.#accept(socket));
    this.#server.on("tlsClientError", (cause: NodeJS.ErrnoException, socket) => this.#failed(cause, socket));
  }

  /** Begins the handshake of a connection that was accepted, and not read yet. */
  take(socket: Socket): void {
    const shaking: Shaking = { socket, since: performance.now(), place: nowhere };
    this.#shaking.add(shaking);
    (socket as Linked)[link] = shaking;
    socket.on("error", () => {}); // 'close' follows
    socket.on("close", () => this.#shaking.remove(shaking));
    this.#server.emit("connection", socket);
  }

  /** Callers that come from now on get this; throws, and changes nothing, if it cannot be used. */
  use(context: tls.SecureContextOptions): void {
    this.#server.setSecureContext(onServers(context));
  }

  /** Another takes its place; handshakes that are under way go on. */
  close(): void {
    this.#closed();
  }

  /** Whether a handshake is under way. */
  get busy(): boolean {
    return this.#shaking.size > 0;
  }

  /** Ends the handshakes that are under way: what they would become is not served any more. */
  abandon(): void {
    for (const { socket } of this.#shaking) socket.destroy();
  }

  #accept(socket: tls.TLSSocket): void {
    const below = socketBelow(socket);
    const now = performance.now();
    const shaking = (below as Linked | undefined)?.[link];
    if (shaking !== undefined) this.#shaking.remove(shaking);
    try {
      const certificate = socket.getPeerX509Certificate();
      this.#options.accept(socket, now - (shaking?.since ?? now), certificate && callerPeer(certificate));
    } catch (thrown) {
      reportBug("a connection by TLS that was accepted", thrown);
      socket.destroy();
    }
  }

  #failed(cause: NodeJS.ErrnoException, socket: tls.TLSSocket): void {
    const { stats, name } = this.#options;
    stats.failed();
    // The error says that the connection ended; why it was refused stands here.
    const refused = socket.authorizationError as Error | string | null | undefined;
    const reason = refused ? `the caller's certificate: ${refused}` : (cause.code ?? cause.message);
    this.#log.debug("a TLS handshake failed", { server: name, cause: reason });
    socket.destroy();
  }
}

// Nobody needs to renegotiate, and each time costs the server more than the caller.
const onServers = (context: tls.SecureContextOptions): tls.SecureContextOptions => ({
  ...context,
  secureOptions: (context.secureOptions ?? 0) | constants.SSL_OP_NO_RENEGOTIATION,
});
