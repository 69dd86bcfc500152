/** What holds for one client, worked out once from the configuration. */
import type { RetryBudgetConfig } from "../../../config/schema.ts";
import type { AccrualFactory, BalancerFactory } from "../../../plugins/contract.ts";
import type { HeadLimits } from "../codec/h1/head-scanner.ts";
import type { TlsStats } from "../stats.ts";
import type { ClientConnector } from "../tls/client-connector.ts";
import type { TrustMode } from "./discovery-trust.ts";
import type { HealthCheckSettings } from "./health/health-check-settings.ts";

/** Everything that a client and its endpoints need to know; durations of 0 are no limit. */
export interface ClientSettings {
  readonly limits: HeadLimits;
  readonly balancer: BalancerFactory;
  readonly accrual: AccrualFactory;
  readonly requeueBudget: RetryBudgetConfig;
  readonly attemptTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly responseTimeoutMs: number;
  readonly writeTimeoutMs: number;
  /** To each endpoint, of the whole process; so are the next two. */
  readonly maxConnections: number;
  readonly minConnections: number;
  readonly maxWaiters: number;
  /** Of connections above `minConnections`. */
  readonly poolIdleMs: number;
  readonly sessionIdleMs: number;
  readonly sessionLifeMs: number;
  /** An endpoint that cannot be connected to is left out, and tried in the background. */
  readonly failFast: boolean;
  /** Whether an endpoint that discovery dropped stays while it answers. */
  readonly trustDiscovery: TrustMode;
  /** Undefined: endpoints are judged by the requests that they get. */
  readonly healthCheck: HealthCheckSettings | undefined;
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
  /** Connections are made by TLS. */
  readonly secure: ((stats: TlsStats) => ClientConnector) | undefined;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Endpoints are told of the caller's certificate. */
  readonly forwardClientCert: boolean;
}
