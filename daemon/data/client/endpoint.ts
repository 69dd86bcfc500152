/** One address of a client: its load, its pool of connections and whether it may be picked. */
import { Address, addressWeightKey, type HostAddress } from "../../../dtab/index.ts";
import type { BalancedEndpoint } from "../../../plugins/contract.ts";
import type { Exchange } from "../exchange.ts";
import { nowhere } from "../roster.ts";
import type { Sweepable } from "../sweeper.ts";
import type { AccrualState } from "./accrual-state.ts";
import { ConnectionPool, type PoolContext } from "./connection-pool.ts";
import type { FailFast } from "./fail-fast.ts";
import type { EndpointHealth } from "./health/endpoint-health.ts";

/** What a client's endpoints share. */
export interface EndpointContext extends PoolContext {
  /** The time at which the client last picked. */
  readonly nowMs: number;
}

/** See the file's comment. */
export class Endpoint implements BalancedEndpoint, Sweepable {
  // First what every request needs.
  readonly accrual: AccrualState;
  readonly failFast: FailFast | undefined;
  readonly pool: ConnectionPool;
  pending = 0;
  /** What its health checks say, where there are any. */
  health: EndpointHealth | undefined = undefined;
  /** Discovery has dropped it and is doubted: it stays while it answers. */
  onProbation = false;
  readonly #context: EndpointContext;
  #closed = false;

  readonly address: HostAddress;
  /** How it is shown, `host:port`. */
  readonly name: string;
  weight = 1;
  place = nowhere;
  balancing: unknown = undefined;

  constructor(
    address: HostAddress,
    context: EndpointContext,
    accrual: AccrualState,
    failFast: FailFast | undefined,
  ) {
    this.address = address;
    this.name = Address.show(address);
    this.#context = context;
    this.accrual = accrual;
    this.failFast = failFast;
    this.pool = new ConnectionPool(address, this.name, context, failFast);
    this.weigh(address);
  }

  /** Takes a new weight over. */
  weigh(address: HostAddress): void {
    const weight = address.meta[addressWeightKey];
    this.weight = typeof weight === "number" ? weight : 1;
  }

  get status(): "open" | "busy" | "closed" {
    if (this.#closed) return "closed";
    if (this.health?.isUsable === false) return "busy";
    return this.accrual.isOpen(this.#context.nowMs) && this.failFast?.down !== true && !this.pool.full
      ? "open"
      : "busy";
  }

  /** Whether it answers: by its health checks, or where there are none by what became of connections and requests. */
  get answers(): boolean {
    if (this.health !== undefined) return this.health.phase !== "unhealthy";
    return !this.pool.unreachable && this.failFast?.down !== true && this.accrual.isOpen(this.#context.nowMs);
  }

  /** Sends a request on one of its connections. */
  take(exchange: Exchange): void {
    this.pool.take(exchange);
  }

  /** Takes no further request; what is in flight ends on its connection. */
  close(): void {
    this.#closed = true;
    this.pool.close();
  }

  /** Nothing is left of it. */
  get quiet(): boolean {
    return this.pool.size === 0;
  }

  sweep(nowMs: number): void {
    this.pool.sweep(nowMs);
  }
}
