/**
 * The budget of retries: a leaky bucket of tokens. A request puts 1 000 in, a retry takes 1 000 / percentCanRetry out,
 * a reserve of minRetriesPerSec × ttlSecs retries is always there, and what is older than ttlSecs has leaked away:
 * withdrawals too, so that a drained reserve comes back.
 */
import type { RetryBudgetConfig } from "../../../config/schema.ts";

const tokensPerRequest = 1000;
const slices = 10;
const emptyWindow: readonly number[] = Array.from({ length: slices }, () => 0);

/** One bucket: of a service for its retries, or of a client for its requeues. */
export class RetryBudget {
  readonly #deposit: number;
  readonly #sliceMs: number;
  #slice: number;
  /** Tokens of the present slice of time. */
  #tokens = 0;
  /**
   * Tokens of the nine slices before; slice `n` is at `n % 10`, and the present one's place is empty. A typed array this
   * small takes four times as much.
   */
  readonly #window: number[] = emptyWindow.slice();
  readonly #cost: number;
  readonly #reserve: number;

  /** Throws `RangeError` where the numbers make no budget. */
  constructor({ ttlSecs, minRetriesPerSec, percentCanRetry }: RetryBudgetConfig, nowMs: number) {
    requireRange("ttlSecs", ttlSecs, 1, 60);
    requireRange("minRetriesPerSec", minRetriesPerSec, 0, Number.MAX_SAFE_INTEGER);
    requireRange("percentCanRetry", percentCanRetry, 0, 1000);
    this.#deposit = percentCanRetry === 0 ? 0 : tokensPerRequest;
    this.#cost = percentCanRetry === 0 ? 1 : Math.floor(tokensPerRequest / percentCanRetry);
    this.#reserve = minRetriesPerSec * ttlSecs * this.#cost;
    this.#sliceMs = (ttlSecs * 1000) / slices;
    this.#slice = Math.floor(nowMs / this.#sliceMs);
  }

  /** A request came (retries) or succeeded (requeues). */
  deposit(nowMs: number): void {
    this.#advance(nowMs);
    this.#tokens += this.#deposit;
  }

  /** Takes the tokens of one retry; false if there are not enough. */
  tryWithdraw(nowMs: number): boolean {
    if (this.#sum(nowMs) < this.#cost) return false;
    this.#tokens -= this.#cost;
    return true;
  }

  /** How many retries are left. */
  balance(nowMs: number): number {
    return Math.floor(this.#sum(nowMs) / this.#cost);
  }

  #sum(nowMs: number): number {
    this.#advance(nowMs);
    let sum = this.#reserve + this.#tokens;
    for (let at = 0; at < slices; at++) sum += this.#window[at]!;
    return sum;
  }

  #advance(nowMs: number): void {
    const slice = Math.floor(nowMs / this.#sliceMs);
    if (slice <= this.#slice) return; // also where the clock was set back
    this.#window[this.#slice % slices] = this.#tokens;
    this.#tokens = 0;
    if (slice - this.#slice >= slices) this.#window.fill(0);
    else for (let next = this.#slice + 1; next <= slice; next++) this.#window[next % slices] = 0;
    this.#slice = slice;
  }
}

function requireRange(name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most))
    throw new RangeError(`${name} must be in [${least}, ${most}], got ${value}`);
}
