/** One address of a client: its connections, its load and whether it may be picked. */
import net from "node:net";
import { Address, addressWeightKey, type HostAddress } from "../../../dtab/index.ts";
import type { BalancedEndpoint } from "../../../plugins/contract.ts";
import { ProxyError } from "../../../plugins/errors.ts";
import { reportBug } from "../bugs.ts";
import { H1ClientConnection, type H1ClientOwner } from "../codec/h1/client-connection.ts";
import type { HeadLimits } from "../codec/h1/head-scanner.ts";
import { readBuffer } from "../codec/h1/read-buffer.ts";
import type { Exchange, Queue } from "../exchange.ts";
import type { ConnectionStats } from "../stats.ts";
import type { Sweepable } from "../sweeper.ts";
import type { ClientConnector, TlsSession } from "../tls/client-connector.ts";
import type { AccrualState } from "./accrual-state.ts";

/** What a client's endpoints share. */
export interface EndpointContext {
  readonly limits: HeadLimits;
  readonly connectTimeoutMs: number;
  readonly responseTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly maxConnections: number;
  readonly minConnections: number;
  readonly maxWaiters: number;
  /** Of connections above `minConnections`; 0: for ever. */
  readonly poolIdleMs: number;
  /** Of any connection; 0: for ever. */
  readonly sessionIdleMs: number;
  readonly sessionLifeMs: number;
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  readonly stats: ConnectionStats;
  /** Connections are made by TLS. */
  readonly secure: ClientConnector | undefined;
  /** A connection was made after so long. */
  connected(elapsedMs: number): void;
  /** A connection could not be made. */
  connectFailed(elapsedMs: number): void;
  /** The time at which the client last picked. */
  readonly nowMs: number;
}

/** A host and port, and the pool of connections to it. */
export class Endpoint implements BalancedEndpoint, H1ClientOwner, Queue, Sweepable {
  readonly address: HostAddress;
  readonly accrual: AccrualState;
  /** How it is shown, `host:port`. */
  readonly name: string;
  weight = 1;
  pending = 0;
  balancing: unknown = undefined;

  readonly #context: EndpointContext;
  readonly #connections = new Set<H1ClientConnection>();
  /** Free connections, the one used last at the end: it is the least likely to have been closed. */
  readonly #idle: H1ClientConnection[] = [];
  /** In the order of their arrival. */
  readonly #waiters = new Set<Exchange>();
  #connecting = 0;
  #session: TlsSession | undefined;
  #closed = false;

  constructor(address: HostAddress, context: EndpointContext, accrual: AccrualState) {
    this.address = address;
    this.name = Address.show(address);
    this.#context = context;
    this.accrual = accrual;
    this.weigh(address);
  }

  /** Takes a new weight over. */
  weigh(address: HostAddress): void {
    const weight = address.meta[addressWeightKey];
    this.weight = typeof weight === "number" ? weight : 1;
  }

  get status(): "open" | "busy" | "closed" {
    if (this.#closed) return "closed";
    return this.accrual.isOpen(this.#context.nowMs) ? "open" : "busy";
  }

  get limits(): HeadLimits {
    return this.#context.limits;
  }

  get connectTimeoutMs(): number {
    return this.#context.connectTimeoutMs;
  }

  get responseTimeoutMs(): number {
    return this.#context.responseTimeoutMs;
  }

  get writeTimeoutMs(): number {
    return this.#context.writeTimeoutMs;
  }

  get secure(): ClientConnector | undefined {
    return this.#context.secure;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  /** Sends a request on a free connection, or on one that is made for it. */
  take(exchange: Exchange): void {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.free) {
        connection.send(exchange);
        return;
      }
    }
    if (this.#closed) {
      exchange.endpointFailed(this.#gone(), "unsent");
      return;
    }
    const { maxConnections, maxWaiters } = this.#context;
    if (this.#connections.size >= maxConnections && this.#waiters.size - this.#connecting >= maxWaiters) {
      exchange.endpointFailed(
        new ProxyError(
          "E_POOL_FULL",
          `all ${maxConnections} connections are in use and ${maxWaiters} requests wait`,
        ),
        "unsent",
      );
      return;
    }
    this.#waiters.add(exchange);
    exchange.queued(this);
    if (this.#connections.size < maxConnections && this.#connecting < this.#waiters.size) this.#connect();
  }

  // A connection that cannot even be tried fails one waiter, as one that is refused does.
  #connect(): void {
    try {
      this.#open();
    } catch (thrown) {
      reportBug(`a connection to ${this.name}`, thrown);
      const reason = `connect failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
      this.#nextWaiter()?.endpointFailed(new ProxyError("E_CONNECT", reason), "unsent");
    }
  }

  /** An exchange waits no more for a connection. */
  leave(exchange: Exchange): void {
    this.#waiters.delete(exchange);
  }

  /** Takes no further request; what is in flight ends on its connection. */
  close(): void {
    this.#closed = true;
    this.#idle.length = 0;
    for (const connection of this.#connections) connection.retire();
    for (const waiter of [...this.#waiters]) waiter.endpointFailed(this.#gone(), "unsent");
    this.#waiters.clear();
  }

  #gone(): ProxyError {
    return new ProxyError("E_CONNECT", `${this.name} is gone from discovery`);
  }

  /** Nothing is left of it. */
  get quiet(): boolean {
    return this.#connections.size === 0;
  }

  #open(): void {
    let connection: H1ClientConnection;
    const options = {
      host: this.address.host,
      port: this.address.port,
      noDelay: this.#context.noDelay,
      keepAlive: this.#context.keepAlive,
      allowHalfOpen: true,
      onread: {
        buffer: readBuffer,
        callback: (length: number, buffer: Uint8Array) => {
          connection.read(buffer as Buffer, length);
          return true;
        },
      },
    } as net.TcpNetConnectOpts;
    const { secure } = this.#context;
    const socket =
      secure === undefined
        ? net.connect(options)
        : secure.connect(options, (this.#session ??= { ticket: undefined, generation: 0, checkedAt: 0 }));
    connection = new H1ClientConnection(socket, this);
    this.#connecting++;
    this.#connections.add(connection);
  }

  connected(connection: H1ClientConnection): void {
    this.#connecting--;
    this.#context.stats.opened();
    this.#context.connected(performance.now() - connection.openedAt);
    if (this.#closed) connection.retire();
    else this.idle(connection);
  }

  idle(connection: H1ClientConnection): void {
    if (this.#closed || this.#overdue(connection, performance.now())) {
      connection.retire();
      return;
    }
    const waiter = this.#nextWaiter();
    if (waiter !== undefined) connection.send(waiter);
    else this.#idle.push(connection);
  }

  closed(connection: H1ClientConnection, error: ProxyError | undefined): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    const now = performance.now();
    if (error !== undefined) {
      this.#connecting--;
      this.#context.connectFailed(now - connection.openedAt);
      this.#nextWaiter()?.endpointFailed(error, "unsent");
    } else {
      this.#context.stats.closed(
        now - connection.openedAt,
        connection.carried,
        connection.received,
        connection.bytesWritten,
      );
    }
    // A connection that a waiter was promised is gone: another takes its place.
    if (
      !this.#closed &&
      this.#waiters.size > this.#connecting &&
      this.#connections.size < this.#context.maxConnections
    )
      this.#connect();
  }

  #nextWaiter(): Exchange | undefined {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      if (!waiter.finished) return waiter;
    }
    return undefined;
  }

  // Beyond its life, which ends a connection when it is free.
  #overdue(connection: H1ClientConnection, nowMs: number): boolean {
    const { sessionLifeMs } = this.#context;
    return sessionLifeMs > 0 && nowMs - connection.openedAt > sessionLifeMs;
  }

  sweep(nowMs: number): void {
    const { sessionIdleMs, poolIdleMs, minConnections } = this.#context;
    let surplus = this.#connections.size - minConnections;
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
  }
}
