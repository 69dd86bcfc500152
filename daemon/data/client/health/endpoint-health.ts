/**
 * What health checks say of one endpoint.
 *
 * ## Presumed => Healthy | Unhealthy
 * It was there from the beginning, and is used until it fails `unhealthyAfter` checks in a row.
 * ## Unproven => Healthy | Unhealthy
 * Discovery added it; it is used once it passes a check.
 * ## Healthy => Unhealthy, Unhealthy => Healthy
 * After so many failures, or so many passes, in a row.
 */

/** How many checks in a row decide. */
export interface HealthThresholds {
  readonly healthyAfter: number;
  readonly unhealthyAfter: number;
}

/** The states. */
export type HealthPhase = "presumed" | "unproven" | "healthy" | "unhealthy";

/** See the file's comment. */
export class EndpointHealth {
  phase: HealthPhase;
  /** Why the last check failed. */
  reason: string | undefined;
  readonly #thresholds: HealthThresholds;
  #passes = 0;
  #failures = 0;

  constructor(phase: "presumed" | "unproven", thresholds: HealthThresholds) {
    this.phase = phase;
    this.#thresholds = thresholds;
  }

  /** Whether requests may go there while there is a better one. */
  get isUsable(): boolean {
    return this.phase === "presumed" || this.phase === "healthy";
  }

  /** A check ended, well unless there is a reason; whether the phase changed. */
  checked(failure: string | undefined): boolean {
    const before = this.phase;
    this.reason = failure;
    if (failure === undefined) {
      this.#failures = 0;
      this.#passes++;
      if (before !== "unhealthy" || this.#passes >= this.#thresholds.healthyAfter) this.phase = "healthy";
    } else {
      this.#passes = 0;
      this.#failures++;
      if (this.#failures >= this.#thresholds.unhealthyAfter) this.phase = "unhealthy";
    }
    return this.phase !== before;
  }
}
