/** What a watch did so far, for the admin's state documents. */
import type { Clock } from "../contract.ts";

/** The record of one watch, kept by whoever runs it. */
export class WatchState {
  readonly #clock: Clock;
  #running = 0;
  #startedAt: number | undefined;
  #stoppedAt: number | undefined;
  #updatedAt: number | undefined;
  #error: { readonly message: string; readonly at: number } | undefined;
  #value: unknown;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether somebody works at it now. */
  get running(): boolean {
    return this.#running > 0;
  }

  /** The work starts; it ends with the signal. */
  start(signal: AbortSignal): void {
    this.#running++;
    this.#startedAt = this.#clock.now();
    signal.addEventListener("abort", () => {
      this.#running--;
      this.#stoppedAt = this.#clock.now();
    });
  }

  /** A good answer, as it is to be shown. */
  update(value: unknown): void {
    this.#updatedAt = this.#clock.now();
    this.#value = value;
    this.#error = undefined;
  }

  /** What is known from before, as it is to be shown. */
  restore(value: unknown): void {
    this.#value = value;
  }

  /** The last bad answer, if no good one came since. */
  get error(): string | undefined {
    return this.#error?.message;
  }

  /** A bad one; the value stays. */
  fail(message: string): void {
    this.#error = { message, at: this.#clock.now() };
  }

  /** The document; what is not known yet is left out. */
  toJSON(): Record<string, unknown> {
    return {
      running: this.running,
      lastStartedAt: showTime(this.#startedAt),
      lastStoppedAt: showTime(this.#stoppedAt),
      lastUpdatedAt: showTime(this.#updatedAt),
      lastError: this.#error?.message,
      lastErrorAt: showTime(this.#error?.at),
      value: this.#value,
    };
  }
}

/** A time as state documents have it: `2024-01-01 00:00:00 +0000`. */
export const showTime = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} +0000`;
