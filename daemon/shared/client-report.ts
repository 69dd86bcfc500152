/** What a worker tells of its clients when it is asked, for the state pages. */

/** One endpoint of a client, as one worker sees it. */
export interface EndpointReport {
  /** `host:port`. */
  readonly address: string;
  /** What its balancer sees. */
  readonly status: "open" | "busy" | "closed";
  /** Where failure accrual stands. */
  readonly accrual: "alive" | "dead" | "probeOpen" | "probeClosed";
  /** How long failure accrual still keeps it out. */
  readonly deadForMs?: number;
  /** `failFast` has marked it down; the next connect is tried after so long. */
  readonly nextProbeMs?: number;
  /** Discovery has dropped it; it stays while it answers. */
  readonly onProbation?: true;
  /** What health checks say of it, where there are any. */
  readonly health?: "presumed" | "unproven" | "healthy" | "unhealthy";
  /** Why the last check failed. */
  readonly checkFailure?: string;
  readonly weight: number;
  /** Requests in flight. */
  readonly pending: number;
  readonly connections: number;
  readonly idle: number;
  /** Requests that wait for a connection. */
  readonly waiting: number;
}

/** One client of a worker. */
export interface ClientReport {
  /** The router's label. */
  readonly router: string;
  readonly id: string;
  readonly endpoints: readonly EndpointReport[];
}
