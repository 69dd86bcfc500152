/** What the admin pages may look at, and the few things that they may do. */
import type { Clock, RecentRequest, Telemeter } from "../../../plugins/contract.ts";
import type { Announcements } from "../announcements.ts";
import type { Binder } from "../binder.ts";
import type { Feeds } from "../feeds.ts";
import type { Generation } from "../generation.ts";
import type { Logging } from "../logging.ts";
import type { MetricsStore } from "../metrics-store.ts";
import type { ReloadResult } from "../reloader.ts";
import type { WorkerClients } from "../worker-pool.ts";

/** The daemon as its pages see it. */
export interface AdminState {
  readonly version: string;
  /** When the daemon began to start. */
  readonly startedMs: number;
  readonly clock: Clock;
  /** The configuration that runs, with its naming; another one after each reload. */
  current(): Generation;
  readonly binder: Binder;
  readonly metrics: MetricsStore;
  readonly logging: Logging;
  readonly telemeters: readonly Telemeter[];
  readonly announcements: Pick<Announcements, "lines">;
  readonly feeds: Pick<Feeds, "state">;
  /** Why the daemon is not ready to take requests; undefined: it is. */
  unready(): string | undefined;
  /** What the workers tell of their clients; one that does not answer in time is left out. */
  clients(): Promise<readonly WorkerClients[]>;
  /** The requests that the workers have kept for telemeters, the latest first. */
  recent(): Promise<readonly RecentRequest[]>;
  /** Data workers that accept, and that there should be. */
  workers(): { readonly ready: number; readonly total: number };
  /** Reads the configuration again and goes over to it, or tells why not. */
  reload(): Promise<ReloadResult>;
  /** Ends the daemon orderly; without a grace, within `admin.shutdownGraceMs`. */
  shutdown(graceMs: number | undefined): void;
}
