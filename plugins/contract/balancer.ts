/** The slot `balancer`: which endpoint takes the next request. */

/** What a balancer knows of an endpoint. */
export interface BalancedEndpoint {
  /** Relative weight, 1 unless discovery says otherwise. */
  readonly weight: number;
  /** Requests in flight on it. */
  readonly pending: number;
  /** Whether it may be picked: closed is worst. */
  readonly status: "open" | "busy" | "closed";
  /** A balancer's own state of it; survives updates of the set. */
  balancing: unknown;
}

/** What a balancer counts, for the client's `loadbalancer/…` metrics; only ever grows. */
export interface BalancerCounts {
  /** Picks that found no open endpoint within `maxEffort` and took what came. */
  maxEffortExhausted: number;
  /** Picks that went to another weight class because the chosen one had no open endpoint. */
  busyWeightClasses: number;
  /** Times the order of endpoints was made anew because of such a pick. */
  rebuilds: number;
}

/** Picks endpoints; one per client. */
export interface Balancer<E extends BalancedEndpoint = BalancedEndpoint> {
  /** A new set; endpoints that stay are the same objects. */
  update(endpoints: readonly E[]): void;
  /** Undefined only if the set is empty; fails open when no endpoint is. */
  pick(): E | undefined;
  /** A request began on, or ended at, an endpoint after `elapsedMs`. */
  started?(endpoint: E): void;
  ended?(endpoint: E, elapsedMs: number): void;
  readonly counts?: Readonly<BalancerCounts>;
}

/** Makes a balancer for each client. */
export interface BalancerFactory {
  /** The metric `loadbalancer/algorithm/<name>`. */
  readonly algorithm: string;
  create<E extends BalancedEndpoint>(): Balancer<E>;
}
