/** The budget of a client's requeues with its series, `retries/…`. */
import type { RetryBudgetConfig } from "../../../config/schema.ts";
import type { Counter, Gauge, MetricsScope } from "../../../plugins/contract.ts";
import { RetryBudget } from "./retry-budget.ts";

/** See the file's comment. */
export class RequeueBudget {
  /** What broke may have been processed. */
  readonly cannotRetry: Counter;
  /** No endpoint is open. */
  readonly notOpen: Counter;
  /** The request has had its part of the budget. */
  readonly requestLimit: Counter;
  readonly #budget: RetryBudget;
  readonly #gauge: Gauge;
  /** What is left when nothing has been put in or taken out for long. */
  readonly #rest: number;
  /** The gauge may say something else than the budget. */
  #moves = false;
  readonly #requeues: Counter;
  readonly #exhausted: Counter;

  constructor(config: RetryBudgetConfig, scope: MetricsScope) {
    this.#budget = new RetryBudget(config, performance.now());
    this.#requeues = scope.counter("requeues");
    this.#exhausted = scope.counter("budget_exhausted");
    this.requestLimit = scope.counter("request_limit");
    this.cannotRetry = scope.counter("cannot_retry");
    this.notOpen = scope.counter("not_open");
    this.#gauge = scope.gauge("budget");
    this.#rest = this.balance(performance.now());
    this.#gauge.set(this.#rest);
  }

  /** How many requeues are left. */
  balance(nowMs: number): number {
    return this.#budget.balance(nowMs);
  }

  /** A request succeeded. */
  deposit(nowMs: number): void {
    this.#budget.deposit(nowMs);
    this.#moves = true;
  }

  /** Pays for one requeue; false if it cannot. */
  tryWithdraw(nowMs: number): boolean {
    if (!this.#budget.tryWithdraw(nowMs)) {
      this.#exhausted.incr();
      return false;
    }
    this.#requeues.incr();
    this.#moves = true;
    return true;
  }

  /** Tells how many are left, until what was put in or taken out has leaked away. */
  sweep(nowMs: number): void {
    if (!this.#moves) return;
    const balance = this.balance(nowMs);
    this.#gauge.set(balance);
    this.#moves = balance !== this.#rest;
  }
}
