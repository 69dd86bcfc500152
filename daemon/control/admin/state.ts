/** What the admin pages may look at, and the one thing that they may do. */
import type { LinkerdConfig } from "../../../config/schema.ts";
import type { Clock, Telemeter } from "../../../plugins/contract.ts";
import type { Binder } from "../binder.ts";
import type { Logging } from "../logging.ts";
import type { MetricsStore } from "../metrics-store.ts";
import type { Naming } from "../naming.ts";

/** The daemon as its pages see it. */
export interface AdminState {
  readonly version: string;
  /** When the daemon began to start. */
  readonly startedMs: number;
  readonly clock: Clock;
  readonly config: LinkerdConfig;
  readonly configText: string;
  readonly naming: Naming;
  readonly binder: Binder;
  readonly metrics: MetricsStore;
  readonly logging: Logging;
  readonly telemeters: readonly Telemeter[];
  /** Why the daemon is not ready to take requests; undefined: it is. */
  unready(): string | undefined;
  /** Data workers that accept, and that there should be. */
  workers(): { readonly ready: number; readonly total: number };
  /** Ends the daemon orderly; without a grace, within `admin.shutdownGraceMs`. */
  shutdown(graceMs: number | undefined): void;
}
