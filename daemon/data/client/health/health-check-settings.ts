/** What holds for the health checks of one client, worked out once from the configuration. */
import type { HealthThresholds } from "./endpoint-health.ts";
import type { ProbeRequest } from "./probe.ts";

/** How many checks are open, and may be. */
export interface ProbeLimit {
  open: number;
  readonly most: number;
}

/** A client's `healthCheck` block, complete. */
export interface HealthCheckSettings extends ProbeRequest, HealthThresholds {
  readonly intervalMs: number;
  readonly jitterPercent: number;
  readonly limit: ProbeLimit;
  readonly random: () => number;
}
