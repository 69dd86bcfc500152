/**
 * The health checks of one client: each endpoint by turns, every `intervalMs` give or take some, and no more at a time
 * than all clients of a router may have. It stands on the worker's sweep and has no timers but those of open checks.
 */
import type { Counter, Gauge, MetricsScope } from "../../../../plugins/contract.ts";
import { nowhere } from "../../roster.ts";
import { TlsStats } from "../../stats.ts";
import type { Sweepable, Sweeper } from "../../sweeper.ts";
import type { ClientConnector } from "../../tls/client-connector.ts";
import type { Endpoint } from "../endpoint.ts";
import { EndpointHealth } from "./endpoint-health.ts";
import type { HealthCheckSettings } from "./health-check-settings.ts";
import { probe } from "./probe.ts";

interface Checked {
  readonly endpoint: Endpoint;
  readonly health: EndpointHealth;
  dueAtMs: number;
  /** Ends the check that is open. */
  stop: (() => void) | undefined;
}

/** The checker of a client, whose metrics are `scope`. */
export function createHealthChecker(
  settings: HealthCheckSettings,
  secure: ((stats: TlsStats) => ClientConnector) | undefined,
  sweeper: Sweeper,
  scope: MetricsScope,
): HealthChecker {
  const own = scope.scope("health_check");
  return new HealthChecker(settings, secure?.(new TlsStats(own)), sweeper, own);
}

/** See the file's comment. */
export class HealthChecker implements Sweepable {
  place = nowhere;
  readonly #settings: HealthCheckSettings;
  readonly #secure: ClientConnector | undefined;
  readonly #sweeper: Sweeper;
  readonly #checked = new Map<Endpoint, Checked>();
  readonly #checks: Counter;
  readonly #failures: Counter;
  readonly #unhealthy: Gauge;

  constructor(
    settings: HealthCheckSettings,
    secure: ClientConnector | undefined,
    sweeper: Sweeper,
    scope: MetricsScope,
  ) {
    this.#settings = settings;
    this.#secure = secure;
    this.#sweeper = sweeper;
    this.#checks = scope.counter("checks");
    this.#failures = scope.counter("failures");
    this.#unhealthy = scope.gauge("unhealthy");
  }

  /** An endpoint to check from now on; those of the first set are presumed to be healthy, and spread over an interval. */
  add(endpoint: Endpoint, isFirst: boolean, nowMs: number): void {
    const { intervalMs, random } = this.#settings;
    const health = new EndpointHealth(isFirst ? "presumed" : "unproven", this.#settings);
    endpoint.health = health;
    const dueAtMs = isFirst ? nowMs + intervalMs * random() : nowMs;
    if (this.#checked.size === 0) this.#sweeper.add(this);
    this.#checked.set(endpoint, { endpoint, health, dueAtMs, stop: undefined });
  }

  /** An endpoint that is gone. */
  remove(endpoint: Endpoint): void {
    const checked = this.#checked.get(endpoint);
    if (checked === undefined) return;
    this.#checked.delete(endpoint);
    if (checked.stop !== undefined) this.#end(checked);
    if (checked.health.phase === "unhealthy") this.#unhealthy.add(-1);
    if (this.#checked.size === 0) this.#sweeper.remove(this);
  }

  sweep(nowMs: number): void {
    const { limit } = this.#settings;
    for (const checked of this.#checked.values()) {
      if (limit.open >= limit.most) return;
      if (checked.stop === undefined && nowMs >= checked.dueAtMs) this.#check(checked, nowMs);
    }
  }

  #check(checked: Checked, nowMs: number): void {
    const { intervalMs, jitterPercent, random, limit } = this.#settings;
    checked.dueAtMs = nowMs + intervalMs * (1 + (jitterPercent / 100) * (2 * random() - 1));
    // It waits behind those that are due sooner: with the limit reached, all get their turn.
    this.#checked.delete(checked.endpoint);
    this.#checked.set(checked.endpoint, checked);
    limit.open++;
    this.#checks.incr();
    checked.stop = probe(checked.endpoint.address, this.#settings, this.#secure, (failure) => {
      checked.stop = undefined;
      limit.open--;
      if (failure !== undefined) this.#failures.incr();
      const before = checked.health.phase;
      if (!checked.health.checked(failure)) return;
      if (checked.health.phase === "unhealthy") this.#unhealthy.add(1);
      else if (before === "unhealthy") this.#unhealthy.add(-1);
    });
  }

  #end(checked: Checked): void {
    checked.stop?.();
    checked.stop = undefined;
    this.#settings.limit.open--;
  }
}
