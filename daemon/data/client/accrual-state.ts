/**
 * Whether an endpoint may be used: the state machine of failure accrual. Time is passed in, there are no timers.
 *
 * ## Alive => Dead | Alive
 * The policy says dead: the endpoint is left out for as long as it says.
 * ## Dead => ProbeOpen
 * That time is over.
 * ## ProbeOpen => ProbeClosed
 * The first request starts; it is the probe, and until it is judged no other is let through.
 * ## ProbeClosed => Alive | Dead | ProbeOpen
 * The probe succeeds; or it fails and the policy gives it more time out, or declines to; or it cannot be judged.
 */
import type { Accrual, Counter } from "../../../plugins/contract.ts";

/** The states, as the state of a client shows them. */
export type AccrualPhase = "alive" | "dead" | "probeOpen" | "probeClosed";

/** The counters `failure_accrual/…` of a client. */
export interface AccrualCounters {
  readonly removals: Counter;
  readonly revivals: Counter;
  readonly probes: Counter;
  readonly removedForMs: Counter;
}

/** The state of one endpoint. */
export class AccrualState {
  readonly #accrual: Accrual;
  readonly #counters: AccrualCounters;
  #phase: AccrualPhase = "alive";
  #deadUntilMs = 0;

  constructor(accrual: Accrual, counters: AccrualCounters) {
    this.#accrual = accrual;
    this.#counters = counters;
  }

  /** Where it stands now. */
  phase(nowMs: number): AccrualPhase {
    if (this.#phase === "dead" && nowMs >= this.#deadUntilMs) this.#phase = "probeOpen";
    return this.#phase;
  }

  /** Whether the balancer should see it as open; false is busy. */
  isOpen(nowMs: number): boolean {
    // The first test is the only one that most endpoints ever need.
    if (this.#phase === "alive") return true;
    return this.phase(nowMs) === "probeOpen";
  }

  /** When it will be let through again; undefined unless it is dead. */
  get deadUntilMs(): number | undefined {
    return this.#phase === "dead" ? this.#deadUntilMs : undefined;
  }

  /** A request starts on it, or a connection for one. */
  started(nowMs: number): void {
    if (this.#phase === "alive" || this.phase(nowMs) !== "probeOpen") return;
    this.#phase = "probeClosed";
    this.#counters.probes.incr();
  }

  /** A request on it was judged a success. */
  success(nowMs: number): void {
    if (this.phase(nowMs) === "probeClosed") {
      this.#phase = "alive";
      this.#counters.revivals.incr();
      this.#accrual.revived(nowMs);
    }
    this.#accrual.success(nowMs);
  }

  /** A request on it was judged a failure, or no connection could be made. */
  failure(nowMs: number): void {
    const phase = this.phase(nowMs);
    // While it is dead a failure is an earlier request's, or one that was sent because nothing better was left.
    if (phase === "dead" || phase === "probeOpen") return;
    const outMs = this.#accrual.failure(nowMs);
    if (outMs === undefined) {
      if (phase === "probeClosed") this.#phase = "probeOpen";
      return;
    }
    if (phase === "alive") this.#counters.removals.incr();
    this.#counters.removedForMs.incr(Math.round(outMs));
    this.#phase = "dead";
    this.#deadUntilMs = nowMs + outMs;
  }

  /** A request on it ended in a way that says nothing about it, as when the caller went away. */
  ignored(): void {
    if (this.#phase === "probeClosed") this.#phase = "probeOpen";
  }
}
