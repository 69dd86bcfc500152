/**
 * The connections to one endpoint (`hostConnectionPool`), and the requests that wait for one of them. Free connections
 * are used again, the last one first; above the limit requests wait in the order of their arrival.
 */

import type { HostAddress } from "../../../dtab/index.ts";
import { ProxyError } from "../../../plugins/errors.ts";
import { reportBug } from "../bugs.ts";
import { H1ClientConnection, type H1ClientOwner } from "../codec/h1/client-connection.ts";
import type { HeadLimits } from "../codec/h1/head-scanner.ts";
import type { Exchange } from "../exchange.ts";
import { Line } from "../line.ts";
import { Roster } from "../roster.ts";
import type { ConnectionStats } from "../stats.ts";
import type { ClientConnector, TlsSession } from "../tls/client-connector.ts";
import { connect } from "../transport/connect.ts";
import type { ConnectOptions } from "../transport/handle-transport.ts";
import { type OnRead, SocketTransport } from "../transport/socket-transport.ts";
import type { Transport, TransportOwner } from "../transport/transport.ts";
import { turn } from "../turn-clock.ts";
import type { WorkerShare } from "../worker-share.ts";
import type { ClientSettings } from "./client-settings.ts";
import type { FailFast } from "./fail-fast.ts";

/** What the pools of a client share. */
export interface PoolContext {
  readonly settings: ClientSettings;
  readonly share: WorkerShare;
  readonly stats: ConnectionStats;
  /** Connections are made by TLS. */
  readonly secure: ClientConnector | undefined;
  /** A connection was made after so long. */
  connected(elapsedMs: number): void;
  /** A connection could not be made. */
  connectFailed(elapsedMs: number): void;
}

/** See the file's comment. */
export class ConnectionPool implements H1ClientOwner {
  readonly #context: PoolContext;
  /** Free connections, the one used last at the end: it is the least likely to have been closed. */
  readonly #idle: H1ClientConnection[] = [];
  /** In the order of their arrival; made for the first one. */
  #waiters: Line<Exchange> | undefined = undefined;
  #closed = false;

  readonly #address: HostAddress;
  readonly #name: string;
  readonly #failFast: FailFast | undefined;
  readonly #connections = new Roster<H1ClientConnection>();
  /** The last connection that was tried could not be made. */
  unreachable = false;
  #connecting = 0;
  #session: TlsSession | undefined;

  constructor(address: HostAddress, name: string, context: PoolContext, failFast: FailFast | undefined) {
    this.#address = address;
    this.#name = name;
    this.#context = context;
    this.#failFast = failFast;
  }

  get limits(): HeadLimits {
    return this.#context.settings.limits;
  }

  get connectTimeoutMs(): number {
    return this.#context.settings.connectTimeoutMs;
  }

  get responseTimeoutMs(): number {
    return this.#context.settings.responseTimeoutMs;
  }

  get writeTimeoutMs(): number {
    return this.#context.settings.writeTimeoutMs;
  }

  get secure(): ClientConnector | undefined {
    return this.#context.secure;
  }

  /** Connections there are, and being made. */
  get size(): number {
    return this.#connections.size;
  }

  /** Connections that carry nothing. */
  get idleCount(): number {
    return this.#idle.length;
  }

  /** Requests that wait for one. */
  get waiting(): number {
    return this.#waiters?.size ?? 0;
  }

  /** A further request would be refused. */
  get full(): boolean {
    return this.#idle.length === 0 && this.#atLimit && this.#lineFull;
  }

  get #atLimit(): boolean {
    return this.#connections.size >= this.#maxConnections;
  }

  get #lineFull(): boolean {
    const { maxWaiters } = this.#context.settings;
    return this.waiting - this.#connecting >= Math.ceil(maxWaiters / this.#context.share.workers);
  }

  // This worker's part of what the process may have.
  get #maxConnections(): number {
    const { settings, share } = this.#context;
    return Math.max(1, Math.floor(settings.maxConnections / share.workers));
  }

  /** Sends a request on a free connection, or on one that is made for it. */
  take(exchange: Exchange): void {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.free) {
        connection.send(exchange);
        return;
      }
    }
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      exchange.endpointFailed(refusal, "unsent");
      return;
    }
    exchange.queued((this.#waiters ??= new Line()).join(exchange));
    if (!this.#atLimit && this.#connecting < this.waiting) this.#connect();
  }

  // Why a request that found no free connection cannot wait for one.
  #refusal(): ProxyError | undefined {
    if (this.#closed) return this.#departed();
    if (!this.#atLimit) return this.#failFast?.down === true ? this.#down() : undefined;
    if (!this.#lineFull) return undefined;
    const { maxConnections, maxWaiters } = this.#context.settings;
    return new ProxyError(
      "E_POOL_FULL",
      `all ${maxConnections} connections are in use and ${maxWaiters} requests wait`,
    );
  }

  #departed(): ProxyError {
    return new ProxyError("E_CONNECT", `${this.#name} is gone from discovery`);
  }

  #down(): ProxyError {
    return new ProxyError("E_MARKED_DOWN", `${this.#name} could not be connected to and is marked down`);
  }

  // A connection that cannot even be tried fails one waiter, as one that is refused does.
  #connect(): void {
    try {
      this.#open();
    } catch (thrown) {
      reportBug(`a connection to ${this.#name}`, thrown);
      const reason = `connect failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
      this.#failFast?.failed(turn.nowMs);
      this.#nextWaiter()?.endpointFailed(new ProxyError("E_CONNECT", reason), "unsent");
    }
  }

  #open(): void {
    const { settings, secure } = this.#context;
    const { host, port } = this.#address;
    const options = { host, port, noDelay: settings.noDelay, keepAlive: settings.keepAlive };
    const connection = new H1ClientConnection(
      (owner) => (secure === undefined ? connect(options, owner) : this.#openSecure(secure, options, owner)),
      this,
    );
    this.#connecting++;
    this.#connections.add(connection);
  }

  #openSecure(secure: ClientConnector, options: ConnectOptions, owner: TransportOwner): Transport {
    const session = (this.#session ??= { ticket: undefined, generation: 0, checkedAt: 0 });
    const open = (onread: OnRead) => secure.connect({ ...options, allowHalfOpen: true, onread }, session);
    return SocketTransport.connect(open, secure.connected, owner);
  }

  /** Takes no further request; what is in flight ends on its connection. */
  close(): void {
    this.#closed = true;
    this.#idle.length = 0;
    for (const connection of this.#connections) connection.retire();
    // Nobody joins a pool that is closed.
    for (let waiter = this.#nextWaiter(); waiter !== undefined; waiter = this.#nextWaiter())
      waiter.endpointFailed(this.#departed(), "unsent");
  }

  // === H1ClientOwner ===

  made(connection: H1ClientConnection): void {
    this.#connecting--;
    this.#context.stats.opened();
    this.#context.connected(turn.nowMs - connection.openedAt);
    this.unreachable = false;
    this.#failFast?.made();
    if (this.#closed || this.#connections.size > this.#maxConnections) connection.retire();
    else this.idle(connection);
  }

  idle(connection: H1ClientConnection): void {
    if (this.#closed || this.#overdue(connection, turn.nowMs)) {
      connection.retire();
      return;
    }
    const waiter = this.#nextWaiter();
    if (waiter !== undefined) connection.send(waiter);
    else this.#idle.push(connection);
  }

  gone(connection: H1ClientConnection, error: ProxyError | undefined): void {
    this.#connections.remove(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    const now = turn.nowMs;
    if (error !== undefined) {
      this.#connecting--;
      this.unreachable = true;
      this.#context.connectFailed(now - connection.openedAt);
      this.#failFast?.failed(now);
      this.#nextWaiter()?.endpointFailed(error, "unsent");
    } else {
      this.#context.stats.closed(
        now - connection.openedAt,
        connection.carried,
        connection.received,
        connection.written,
      );
    }
    // A connection that a waiter was promised is gone: another takes its place.
    if (this.#closed || this.waiting <= this.#connecting || this.#atLimit) return;
    if (this.#failFast?.down === true) this.#nextWaiter()?.endpointFailed(this.#down(), "unsent");
    else this.#connect();
  }

  #nextWaiter(): Exchange | undefined {
    let waiter = this.#waiters?.next();
    while (waiter?.finished === true) waiter = this.#waiters?.next();
    return waiter;
  }

  // Beyond its life, which ends a connection when it is free.
  #overdue(connection: H1ClientConnection, nowMs: number): boolean {
    const { sessionLifeMs } = this.#context.settings;
    return sessionLifeMs > 0 && nowMs - connection.openedAt > sessionLifeMs;
  }

  /** Ends what is idle or old enough, and tries the endpoint where that is left to the background. */
  sweep(nowMs: number): void {
    const { settings, share } = this.#context;
    const { sessionIdleMs, poolIdleMs } = settings;
    let surplus = this.#connections.size - Math.ceil(settings.minConnections / share.workers);
    for (const connection of this.#connections) {
      if (!connection.free) connection.sweep(nowMs);
      else {
        const idleMs = nowMs - connection.idleSince;
        if (
          this.#overdue(connection, nowMs) ||
          (sessionIdleMs > 0 && idleMs > sessionIdleMs) ||
          (surplus > 0 && poolIdleMs > 0 && idleMs > poolIdleMs)
        ) {
          surplus--;
          connection.retire();
        }
      }
    }
    if (!this.#closed && this.#failFast?.probe(nowMs) === true) this.#connect();
  }
}
