/**
 * The typed protocol of the port between the control thread and a data worker. Everything is plain data.
 *
 * A binding lives from `bind` to `release`; the control thread answers with a `bound` message for every change of its
 * state. A client's addresses flow from `watch` (or from the first `bound` tree that names it) to `unwatch`; those of a
 * client that was never watched end with the last binding that names it. `router` is a router's key.
 */

import type { PluginBlock, RouterConfig } from "../../config/schema.ts";
import type { TlsMaterial } from "../../config/tls-spec.ts";
import type { Addr } from "../../dtab/index.ts";
import type { RecentRequest, RecentSettings } from "../../plugins/contract.ts";
import type { ClientReport } from "./client-report.ts";
import type { OverrideKey } from "./overrides/override-keys.ts";

/** A name tree as it crosses the port: it holds no Alt, and its leaves name clients. */
export type BoundTree =
  | { readonly tag: "leaf"; readonly id: string; readonly residual: string }
  | {
      readonly tag: "union";
      readonly branches: readonly { readonly weight: number; readonly tree: BoundTree }[];
    }
  | { readonly tag: "neg" }
  | { readonly tag: "empty" }
  | { readonly tag: "fail" };

/** The state of a binding. */
export type BindingState =
  | { readonly tag: "pending" }
  | {
      readonly tag: "ok";
      readonly tree: BoundTree;
      /** For a tree that leads nowhere (neg, empty, fail): the walk that ended there, a line per step. */
      readonly why?: readonly string[];
    }
  | {
      readonly tag: "failed";
      readonly message: string;
      /** `E_DELEGATION_LOOP` for a loop or a delegation too deep, else `E_BIND_FAILED`. */
      readonly code: "E_DELEGATION_LOOP" | "E_BIND_FAILED";
    };

/** A router as workers run it. */
export interface RouterStart {
  /** What messages call it: the one that takes the place of another has another key, though they share a label. */
  readonly key: string;
  readonly config: RouterConfig;
  /** Requests in flight, an Int32 for each worker and server (in the order of the file): limits hold for the process. */
  readonly inFlight: SharedArrayBuffer;
}

/** The key of the router that a label stands for, from its first configuration (0) on. */
export const routerKey = (label: string, generation: number): string => `${label}#${generation}`;

/** The label of a router's key. */
export const labelOfKey = (key: string): string => key.slice(0, key.lastIndexOf("#"));

/** What a block's feed is called: identifiers that say the same share one. */
export const feedKey = (block: PluginBlock): string => JSON.stringify(block);

/** What a worker runs, until a reload says something else. */
export interface WorkerSetup {
  /** In the order of the file. A key that the worker has already stands for the router it has, with another dtab at most. */
  readonly routers: readonly RouterStart[];
  /** Absolute paths or package names of the user's own plugins. */
  readonly plugins: readonly string[];
  /** Where keys that limit requests stand, e.g. `routers[0].dtab` → `linkerd.yaml:8:5`, for the text of errors. */
  readonly places?: Readonly<Record<string, string>>;
  readonly files?: WorkerFiles;
  /** What feeds have said, by `feedKey`: undefined for one that has said nothing yet; absent where there is none. */
  readonly feeds?: Readonly<Record<string, unknown>> | undefined;
}

/** What was read of files, each absent where nothing needs it. */
export interface WorkerFiles {
  /** What TLS stands on, by `tlsKey`. */
  readonly tls?: Readonly<Record<string, TlsMaterial>> | undefined;
  /** Whose signatures under overrides are believed, by `keysPath`. */
  readonly overrideKeys?: Readonly<Record<string, readonly OverrideKey[]>> | undefined;
}

/** Descriptors to listen on, by the server's address; each is the worker's own, to be closed by it. */
export type Sockets = Readonly<Record<string, number>>;

/** What a worker is started with (`workerData`). */
export interface WorkerStart extends WorkerSetup {
  readonly workerId: number;
  /** Of servers without one the worker opens a socket of its own, which shares the port. */
  readonly sockets: Sockets;
  /** Requests to keep for telemeters that show some. */
  readonly recent?: RecentSettings | undefined;
}

/** What a server's listener is called. */
export const listenerAddress = ({ ip, port }: { readonly ip: string; readonly port: number }): string =>
  `${ip} ${port}`;

/** From the control thread to a worker. */
export type ToWorker =
  /** The state of binding `bind` changed. */
  | { readonly type: "bound"; readonly bind: number; readonly state: BindingState }
  /** The addresses of client `id` of a router changed. */
  | { readonly type: "addr"; readonly router: string; readonly id: string; readonly addr: Addr }
  /**
   * Stop accepting; finish what is in flight within `graceMs`, then report `drained`. Connections between requests stay
   * open for `idleMs`, for one more request.
   */
  | { readonly type: "drain"; readonly graceMs: number; readonly idleMs: number }
  /**
   * So many workers share the load from now on: process-wide limits are divided by it, and where it grew, this worker
   * asks its share of callers to connect anew, so that some of them reach the new one.
   */
  | { readonly type: "share"; readonly workers: number }
  /** So many characters of a router's access log were written, or given up. */
  | { readonly type: "logged"; readonly router: string; readonly chars: number }
  /** Make ready to run this instead: open the ports that are new, change nothing; answer `prepared` or `refused`. */
  | { readonly type: "prepare"; readonly setup: WorkerSetup; readonly sockets: Sockets }
  /** Run what was prepared, from this turn on; answer `committed`. */
  | { readonly type: "commit" }
  /** Forget what was prepared. */
  | { readonly type: "rollback" }
  /** Answer `pong`: the event loop turns. */
  | { readonly type: "ping" }
  /** Answer `clients`. */
  | { readonly type: "report" }
  /** Answer `recent`. */
  | { readonly type: "recall" }
  /** Files that TLS stands on changed: new connections use this. */
  | { readonly type: "tls"; readonly key: string; readonly material: TlsMaterial }
  /** A file of keys for overrides changed: from now on these are believed, and no others. */
  | { readonly type: "overrideKeys"; readonly file: string; readonly keys: readonly OverrideKey[] }
  /** A feed says something new. */
  | { readonly type: "feed"; readonly key: string; readonly value: unknown }
  /** Log level changed. */
  | { readonly type: "level"; readonly level: string };

/** From a worker to the control thread. */
export type ToControl =
  /** All listeners of the worker accept. */
  | { readonly type: "ready" }
  /** A listener could not be opened; the worker ends. */
  | { readonly type: "failed"; readonly message: string }
  /** Start binding `path` (shown) under the router's dtab followed by `dtab` (shown, usually empty). */
  | {
      readonly type: "bind";
      readonly bind: number;
      readonly router: string;
      readonly dtab: string;
      readonly path: string;
    }
  | { readonly type: "release"; readonly bind: number }
  /** Observe the addresses of client `id`, which stands in the tree of binding `bind`; idempotent. */
  | { readonly type: "watch"; readonly router: string; readonly id: string; readonly bind: number }
  | { readonly type: "unwatch"; readonly router: string; readonly id: string }
  /** Changes of the metrics layout; see metrics-memory.ts. */
  | { readonly type: "metrics"; readonly changes: readonly MetricsChange[] }
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly message: string;
      readonly fields?: Readonly<Record<string, unknown>>;
    }
  /** Lines of a router's access log, each with its end. */
  | { readonly type: "access"; readonly router: string; readonly lines: string }
  | { readonly type: "drained" }
  | { readonly type: "prepared" }
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "committed" }
  | { readonly type: "pong" }
  /** The requests that the worker has kept, the latest first. */
  | { readonly type: "recent"; readonly requests: readonly RecentRequest[] }
  /** The clients that the worker has. */
  | { readonly type: "clients"; readonly clients: readonly ClientReport[] };

/** A change of what a worker's metrics memory holds. */
export type MetricsChange =
  /** A new block of shared memory; blocks are numbered from 0 in order. */
  | { readonly change: "block"; readonly memory: SharedArrayBuffer }
  /** A series begins at an offset (in 64-bit words) of a block. */
  | {
      readonly change: "add";
      readonly type: "counter" | "gauge" | "stat";
      readonly scopes: readonly string[];
      readonly name: string;
      readonly block: number;
      readonly offset: number;
    }
  /** Every series at or below the scopes ends; its memory may be used again afterwards. */
  | { readonly change: "remove"; readonly scopes: readonly string[] };
