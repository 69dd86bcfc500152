/**
 * Fail-fast of one endpoint (Finagle's FailFastFactory): after a connect that failed nobody waits for another one, and
 * connects are tried in the background, each later than the last. Time is passed in, there are no timers.
 *
 * ## Up => Down
 * A connect fails.
 * ## Down => Down
 * A probe fails; the next one comes later.
 * ## Down => Up
 * A connection is made.
 */
import type { Backoff, Counter } from "../../../plugins/contract.ts";
import { exponentialBackoff } from "./backoff.ts";

/** The counters `failfast/…` of a client. */
export interface FailFastCounters {
  readonly markedDead: Counter;
  readonly markedAvailable: Counter;
}

/** Waits before probes, in milliseconds: 1 s, and each time twice that, up to 32 s. */
const waits = exponentialBackoff(1000, 2, 32_000);

/** The state of one endpoint. */
export class FailFast {
  readonly #counters: FailFastCounters;
  /** Undefined while it is up. */
  #waits: Backoff | undefined;
  #probeAtMs = 0;
  #probing = false;

  constructor(counters: FailFastCounters) {
    this.#counters = counters;
  }

  /** Whether connects are left to the background. */
  get down(): boolean {
    return this.#waits !== undefined;
  }

  /** When the next probe is due; undefined while it is up. */
  get probeAtMs(): number | undefined {
    return this.down ? this.#probeAtMs : undefined;
  }

  /** A connection could not be made. */
  failed(nowMs: number): void {
    // Connects that were under way when the first one failed say nothing new.
    if (this.down && !this.#probing) return;
    if (!this.down) this.#counters.markedDead.incr();
    this.#probing = false;
    this.#waits ??= waits.start();
    this.#probeAtMs = nowMs + this.#waits.next()!;
  }

  /** A connection was made. */
  made(): void {
    if (!this.down) return;
    this.#waits = undefined;
    this.#probing = false;
    this.#counters.markedAvailable.incr();
  }

  /** Whether to try a connection in the background now; if so, `made` or `failed` is to follow. */
  probe(nowMs: number): boolean {
    if (!this.down || this.#probing || nowMs < this.#probeAtMs) return false;
    this.#probing = true;
    return true;
  }
}
