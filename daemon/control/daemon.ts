/** A daemon as whoever starts it sees it. */
import type { LinkerdConfig } from "../../config/schema.ts";
import type { Registry } from "../../plugins/registry.ts";
import type { HandoverOptions, HandoverResult } from "./handover.ts";
import type { LevelName, LogOutput } from "./logging.ts";
import type { ConfigRead, ReloadObserver, ReloadResult } from "./reloader.ts";
import type { Descriptor } from "./sockets/inherited-sockets.ts";
import type { NodeBinding } from "./sockets/socket-handles.ts";

/** What a daemon is started with. */
export interface StartOptions {
  /** Checked and complete; `plugins` holds absolute paths. */
  readonly config: LinkerdConfig;
  /** The text that it was read from, for lines in messages and for `/config.json`. */
  readonly configText: string;
  /** As messages call it; `-` is standard input. */
  readonly configPath: string;
  /** Every plugin, the user's included. */
  readonly registry: Registry;
  /** Where the routers' keys stand in the text, for the text of errors; see `WorkerSetup`. */
  readonly places?: Readonly<Record<string, string>>;
  /** Reads and checks the configuration again, for reloads; absent where it cannot be read twice. */
  readonly read?: () => Promise<ConfigRead>;
  /** Hears of reloads, whoever asked for them. */
  readonly reloads?: ReloadObserver;
  /** Called when the end begins, whoever asked for it. */
  readonly ending?: (handedOver: boolean) => void;
  /** What Node.js keeps to itself, for listening sockets that are shared; without it workers open their own. */
  readonly binding?: NodeBinding;
  /** Listening sockets that the process was started with. */
  readonly inherited?: readonly Descriptor[];
  /** Starts a process that takes this one's place; see `HandoverOptions`. */
  readonly successor?: HandoverOptions["start"];
  /** Where the log goes. */
  readonly stdout: LogOutput;
  /** Where what is known is kept over restarts, if the configuration does not say. */
  readonly stateDir?: string | undefined;
  /** The environment that plugins may ask for variables. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly logLevel?: LevelName;
  /** The program of a data worker. */
  readonly workerUrl?: URL;
  /** How long an interval of distributions lasts; a minute, as in Linkerd 1. */
  readonly snapshotIntervalMs?: number;
}

/** A daemon that runs. */
export interface Daemon {
  /** Where the admin server listens. */
  readonly admin: { readonly ip: string; readonly port: number };
  /** Where routers listen. */
  readonly servers: readonly { readonly router: string; readonly ip: string; readonly port: number }[];
  /** Reads the configuration again and goes over to it, or tells why not; `why` is for the log. */
  reload(why: string): Promise<ReloadResult>;
  /** Whether the event loop of every worker turns within `withinMs`. */
  healthy(withinMs: number): Promise<boolean>;
  /** Starts a new process and hands everything over to it, or tells why not. */
  upgrade(): Promise<HandoverResult>;
  /** Ends it orderly, within `admin.shutdownGraceMs` unless told otherwise; a second call waits for the same end. */
  close(graceMs?: number): Promise<void>;
  /** Resolves when it has ended. */
  readonly closed: Promise<void>;
}
