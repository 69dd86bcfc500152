/**
 * Whether a request is sent once more, and who pays. Requeues are for what provably was not processed: at once, from
 * the client's budget. Retries are for what the service's classifier calls retryable: after a back-off, from the
 * service's budget (Linkerd 1's RetryBudgetModule and ClassifiedRetries).
 */
import type { Backoff } from "../../../plugins/contract.ts";
import type { Client } from "../client/client.ts";
import type { Progress } from "../exchange.ts";
import type { Service } from "./service.ts";

/** Methods that may be sent again though they may have been processed (RFC 9110 §9.2.2). */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** Requeues of one attempt, whatever the budget holds. */
const maxRequeues = 25;
/** The part of the budget that one request may use (Linkerd 1's RequeueFilter). */
const requeueShare = 0.2;

/** The further attempts of one request. */
export class FurtherAttempts {
  retries = 0;
  #requeues = 0;
  /** -1: not asked for yet. */
  #requeueLimit = -1;
  #backoff: Backoff | undefined;

  /** Whether a broken attempt goes elsewhere at once. */
  requeue(client: Client, method: string, progress: Progress, nowMs: number): boolean {
    const { requeues } = client;
    const unprocessed = progress === "unsent" || (progress === "stale" && idempotent.has(method));
    if (!unprocessed) {
      requeues.cannotRetry.incr();
      return false;
    }
    if (progress === "unsent" && !client.hasOpen(nowMs)) {
      requeues.notOpen.incr();
      return false;
    }
    if (this.#requeueLimit === -1) {
      this.#requeueLimit = Math.min(maxRequeues, Math.ceil(requeueShare * requeues.balance(nowMs)));
    }
    if (this.#requeues >= this.#requeueLimit) {
      requeues.requestLimit.incr();
      return false;
    }
    if (!requeues.tryWithdraw(nowMs)) return false;
    this.#requeues++;
    return true;
  }

  /** How long to wait for a retry, in milliseconds; undefined: there is none. */
  retry(service: Service, nowMs: number): number | undefined {
    this.#backoff ??= service.settings.retryBackoff.start();
    if (!service.budget.tryWithdraw(nowMs)) {
      service.budgetExhausted.incr();
      return undefined;
    }
    service.budgetGauge.set(service.budget.balance(nowMs));
    service.retries.incr();
    this.retries++;
    this.#requeues = 0;
    this.#requeueLimit = -1;
    return this.#backoff.next() ?? 0;
  }
}
