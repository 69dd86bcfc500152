/** A logical name: its series, its retry budget and what the configuration says about it. */

import type { RetryBudgetConfig } from "../../../config/schema.ts";
import type { BackoffPolicy, Classifier, Counter, Gauge, Stat } from "../../../plugins/contract.ts";
import { RetryBudget } from "../client/retry-budget.ts";
import type { SharedScope } from "../shared-scope.ts";
import { RequestStats } from "../stats.ts";

/** What holds for a name, worked out once from the configuration. */
export interface ServiceSettings {
  readonly classifier: Classifier | undefined;
  readonly retryBudget: RetryBudgetConfig;
  readonly retryBackoff: BackoffPolicy;
  /** 0: none. */
  readonly totalTimeoutMs: number;
  /** Bytes of a streamed body that are kept for a further attempt. */
  readonly replayBytes: number;
}

/** One logical name; it lives as long as a binding of it. */
export class Service {
  // First what every request needs.
  readonly settings: ServiceSettings;
  readonly requests: RequestStats;
  readonly budget: RetryBudget;
  readonly retriesPerRequest: Stat;
  /** The field that tells the endpoint, with its CRLF. */
  readonly field: string;
  /** The path without its leading slash, as it stands in metrics. */
  readonly name: string;

  readonly path: string;
  readonly retries: Counter;
  readonly budgetExhausted: Counter;
  readonly budgetGauge: Gauge;
  /** Bindings of the name. */
  bindings = 0;
  readonly #scope: SharedScope;

  constructor(path: string, settings: ServiceSettings, scope: SharedScope) {
    this.path = path;
    this.name = path.slice(1);
    this.field = `l5d-dst-service: ${path}\r\n`;
    this.settings = settings;
    this.#scope = scope;
    this.requests = new RequestStats(scope);
    this.budget = new RetryBudget(settings.retryBudget, performance.now());
    const retries = scope.scope("retries");
    this.retries = retries.counter("total");
    this.retriesPerRequest = retries.stat("per_request");
    this.budgetExhausted = retries.counter("budget_exhausted");
    this.budgetGauge = retries.gauge("budget");
    this.budgetGauge.set(this.budget.balance(performance.now()));
  }

  /** Whether its series are this service's alone; after a reload an older router may have the same. */
  get alone(): boolean {
    return this.#scope.alone;
  }

  /** Ends its series. */
  close(): void {
    this.#scope.close();
  }
}
