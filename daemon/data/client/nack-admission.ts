/**
 * Holds requests back from a client whose endpoints refuse most of them (Finagle's NackAdmissionFilter): when, at five
 * requests a second or more, fewer than half were taken over the last two minutes, a part of them is refused here, so
 * that a cluster that is overloaded need not spend its time on refusals. Until an endpoint refuses, nothing is counted.
 */
import type { Counter, Gauge, MetricsScope } from "../../../plugins/contract.ts";
import { Ema } from "../../../plugins/lib/ema.ts";

const windowMs = 120_000;
/** Requests within the last second below which nothing is concluded. */
const leastPerSecond = 5;
/** The part taken below which requests are held back. */
const threshold = 0.5;
/** Some always go out, to see whether it is over. */
const mostHeldBack = 0.75;
/** An average this near to 1 is as if nothing had been refused. */
const forgiven = 0.9999;

/** See the file's comment. */
export class NackAdmission {
  readonly #random: () => number;
  readonly #scope: MetricsScope;
  /** Undefined while no endpoint refuses. */
  #taken: Ema | undefined;
  #part = 1;
  /** When the last five answers came, as a ring; made when an endpoint refuses for the first time. */
  #answers: number[] | undefined;
  #at = 0;
  #dropped: Counter | undefined;
  #gauge: Gauge | undefined;

  constructor(random: () => number, scope: MetricsScope) {
    this.#random = random;
    this.#scope = scope;
  }

  /** Whether a request may go out. */
  admits(nowMs: number): boolean {
    if (this.#part >= threshold || !this.#isBusy(nowMs)) return true;
    if (this.#random() >= Math.min(mostHeldBack, 1 - this.#part / threshold)) return true;
    this.#dropped ??= this.#scope.counter("dropped_requests");
    this.#dropped.incr();
    return false;
  }

  /** An endpoint answered; `nack` says that it refused the request. */
  answered(nowMs: number, nack: boolean): void {
    if (this.#taken === undefined && !nack) return;
    if (this.#taken === undefined) {
      this.#taken = new Ema(windowMs);
      this.#taken.update(nowMs, 1);
    }
    this.#answers ??= Array.from({ length: leastPerSecond }, () => Number.NEGATIVE_INFINITY);
    this.#answers[this.#at] = nowMs;
    this.#at = (this.#at + 1) % leastPerSecond;
    this.#part = this.#taken.update(nowMs, nack && this.#isBusy(nowMs) ? 0 : 1);
    if (this.#part > forgiven && !nack) this.#taken = undefined;
    this.#gauge ??= this.#scope.gauge("ema_value");
    this.#gauge.set(Math.round(this.#part * 100));
  }

  // The oldest of the last five answers is the next to be overwritten.
  #isBusy(nowMs: number): boolean {
    return this.#answers !== undefined && nowMs - this.#answers[this.#at]! <= 1000;
  }
}
