/** The slot `accrual`: when an endpoint that fails is left out. */
import type { BackoffPolicy } from "./backoff.ts";
import type { PluginContext } from "./context.ts";

/** An accrual's context. */
export interface AccrualContext extends PluginContext {
  /** How long a dead endpoint is left out, from the block's `backoff`. */
  readonly backoff: BackoffPolicy;
}

/** Watches one endpoint; a returned number is how long, in milliseconds, it is to be left out. */
export interface Accrual {
  success(nowMs: number): void;
  failure(nowMs: number): number | undefined;
  /** It came back after being dead. */
  revived(nowMs: number): void;
}

/** Makes an accrual for each endpoint. */
export interface AccrualFactory {
  create(): Accrual;
}
