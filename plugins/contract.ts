/**
 * The contract of a plugin: one file that defines `{ slot, kind, schema, create }`, listed by hand in a `builtin.ts`
 * or named by the user under the top-level key `plugins`.
 *
 * Control-plane slots live in the control thread; data-plane slots are created once more in every data worker.
 * `create` is synchronous and opens nothing: I/O starts on observation, on first use, or in `run(signal)`.
 */
import type { Schema, Static } from "../config/type.ts";
import type { Activity, Bound, DelegateTree, Dtab, NameTree, Path } from "../dtab/index.ts";
import type { ProxyError } from "./errors.ts";

/** What a plugin's slot makes of it: the interface that `create` returns. */
export interface SlotTypes {
  /** Control: `/#/<prefix>/…` to bound names. */
  namer: Namer;
  /** Control: a whole dtab and path to a bound tree. */
  interpreter: NameInterpreter;
  /** Control: changes bound trees. */
  transformer: Transformer;
  /** Control: exports metrics or traces. */
  telemeter: Telemeter;
  /** Control: registers this host's servers somewhere. */
  announcer: Announcer;
  /** Control: tells the data-plane plugin of the same kind, in every worker, what it cannot look up itself. */
  feed: Feed;
  /** Data: a request to a logical name. */
  identifier: Identifier;
  /** Data: which endpoint takes the next request. */
  balancer: BalancerFactory;
  /** Data: judges a finished attempt. */
  classifier: Classifier;
  /** Data: decides when an endpoint is marked dead. */
  accrual: AccrualFactory;
  /** Data: makes one label of the `Forwarded` header. */
  labeler: Labeler;
  /** Data: reads and writes trace context. */
  propagator: TracePropagator;
}

/** A place in the configuration where a plugin's `kind` may stand. */
export type Slot = keyof SlotTypes;

/** The slots whose plugins are created in every data worker. */
export const dataSlots: ReadonlySet<Slot> = new Set([
  "identifier",
  "balancer",
  "classifier",
  "accrual",
  "labeler",
  "propagator",
]);

/** One plugin; `definePlugin` checks its types. */
export interface Plugin<S extends Slot = Slot, C extends Schema = Schema> {
  readonly slot: S;
  /** As written in the configuration, e.g. `io.l5d.fs`; the form without `io.l5d.` is accepted too. */
  readonly kind: string;
  /** Needs `experimental: true`, as in Linkerd 1. */
  readonly experimental?: boolean;
  /** Which router protocols it serves; absent: all. */
  readonly protocols?: readonly string[];
  /** The keys of its block beside `kind` (and `experimental`, `prefix`, `transformers` where the slot has them). */
  readonly schema: C;
  create(config: Static<C>, ctx: ContextOf<S>): SlotTypes[S];
}

/** A plugin of any slot and schema, as registries hold it. */
// biome-ignore lint/suspicious/noExplicitAny: the registry forgets a plugin's own config type, and the schema restores it.
export type AnyPlugin = Plugin<Slot, any>;

/** Types one plugin. */
export const definePlugin = <S extends Slot, C extends Schema>(plugin: Plugin<S, C>): Plugin<S, C> => plugin;

// === What a plugin is given ===

/** What every plugin is given. */
export interface PluginContext {
  readonly log: Logger;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly metrics: MetricsScope;
}

/** The context of each slot. */
export type ContextOf<S extends Slot> = S extends "namer"
  ? NamerContext
  : S extends "interpreter"
    ? InterpreterContext
    : S extends "feed"
      ? ControlContext
      : S extends "transformer"
        ? TransformerContext
        : S extends "identifier"
          ? IdentifierContext
          : S extends "labeler"
            ? LabelerContext
            : S extends "accrual"
              ? AccrualContext
              : PluginContext;

/** What the plugins of the control thread that look outside are given too. */
export interface ControlContext extends PluginContext {
  /** A variable of the process' environment, read when the plugin is created; undefined where there is none. */
  readonly env: (name: string) => string | undefined;
  /** What outlives the process; absent where nothing does. */
  readonly kept?: KeptNames | undefined;
}

/** A namer's context. */
export interface NamerContext extends ControlContext {
  /** The whole prefix of its names, e.g. `/#/io.l5d.fs`: ids start with it, paths it is asked do not. */
  readonly prefix: Path;
}

/** A name as it is kept on disk. */
export interface KeptName {
  readonly name: string;
  /** Plain data: what JSON can say, and Maps. */
  readonly value: unknown;
  /** When its source last confirmed it. */
  readonly at: number;
}

/** What a plugin knows, kept over restarts: a start while its source is away serves with it. */
export interface KeptNames {
  /** What was kept of a source; from now on `current` tells what is to be kept of it. */
  keep(source: string, current: () => Iterable<KeptName>): readonly KeptName[];
  /** Something is known that was not, or otherwise: it is written soon. */
  changed(): void;
}

/** An interpreter's context. */
export interface InterpreterContext extends ControlContext {
  /** The configured namers, in the order in which they are tried. */
  readonly namers: readonly PrefixedNamer[];
}

/** A transformer's context. */
export interface TransformerContext extends ControlContext {
  /** What it puts in front of the ids that it changes, e.g. `/%/io.l5d.port/8080`. */
  readonly prefix: Path;
  /**
   * Binds a path under an empty dtab. Around an interpreter it goes through the namers as they are configured, around
   * a namer through all of them without their transformers, so that none can lead back to itself.
   */
  readonly bind: (path: Path) => Activity<NameTree<Bound>>;
}

/** An identifier's context. */
export interface IdentifierContext extends PluginContext {
  /** The router's `dstPrefix`; every name starts with it. */
  readonly dstPrefix: Path;
  /** What the feed of the same kind said last; undefined until it has said something, and where the kind has none. */
  readonly feed: () => unknown;
}

/** A labeler's context. */
export interface LabelerContext extends PluginContext {
  readonly routerLabel: string;
}

/** An accrual's context. */
export interface AccrualContext extends PluginContext {
  /** How long a dead endpoint is left out, from the block's `backoff`. */
  readonly backoff: BackoffPolicy;
}

/** Structured logging; the message first, facts as fields. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Time as an argument. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `ms`, or early when `signal` aborts; never rejects, never keeps the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A node of the metrics tree; closing it removes the whole subtree. */
export interface MetricsScope {
  /** A child scope; one element may contain `/`, as in `server/0.0.0.0/4140`. */
  scope(...elements: string[]): MetricsScope;
  /** A monotonic count; the same name gives the same counter. */
  counter(name: string): Counter;
  /** A value that goes up and down. */
  gauge(name: string): Gauge;
  /** A distribution; values in the unit of its name (`_ms`, `_us`, `_bytes`). */
  stat(name: string): Stat;
  /** Ends every series below this scope. */
  close(): void;
}

/** A monotonic count. */
export interface Counter {
  incr(by?: number): void;
}

/** A value that goes up and down. */
export interface Gauge {
  set(value: number): void;
  add(delta: number): void;
}

/** A distribution of non-negative values. */
export interface Stat {
  record(value: number): void;
}

// === What the slots are ===

/** A name that could be bound now. */
export interface KnownName {
  readonly name: Path;
  /** Who says so. */
  readonly source: string;
  /** Seconds since the source last said so. */
  readonly ageSeconds: number;
  /** Whether that is longer than the namer's configuration allows. */
  readonly stale: boolean;
}

/** Looks a path up below its prefix; an unknown name is `Neg`, a backend in trouble is a failed Activity, never a throw. */
export interface Namer {
  lookup(path: Path): Activity<NameTree<Path | Bound>>;
  /** The names that could be bound now, for `/bound-names.json`. */
  names?(): readonly KnownName[];
  /** The document behind `/namer_state/<prefix>.json`. */
  state?(): unknown;
}

/** A namer with the prefix under which it is asked. */
export interface PrefixedNamer {
  readonly prefix: Path;
  readonly namer: Namer;
}

/** Binds a path under a dtab, to the end: the tree holds no Alt. */
export interface NameInterpreter {
  bind(dtab: Dtab, path: Path): Activity<NameTree<Bound>>;
  /** The same walk, explained; absent where an interpreter cannot tell. */
  delegate?(dtab: Dtab, path: Path): Activity<DelegateTree>;
  /** The interpreter's own dtab, to which the router's is appended. */
  dtab?(): Activity<Dtab>;
  /** The document behind `/<router>/interpreter_state/<kind>.json`. */
  state?(): unknown;
}

/** Changes every bound tree that comes from an interpreter or a namer. */
export interface Transformer {
  transform(tree: NameTree<Bound>): Activity<NameTree<Bound>>;
  /** False where a delegation cannot be shown through it. */
  readonly delegable: boolean;
}

/** Exports what the planes measure. */
export interface Telemeter {
  /** Long-lived work; ends with the signal. */
  run?(signal: AbortSignal, metrics: MetricsReader): Promise<void>;
  /** Some requests that it wants to show: this share of them, the latest of so many traces. */
  readonly recent?: RecentSettings;
  /** Pages that it adds to the admin server. */
  readonly routes?: readonly TelemeterRoute[];
}

/** One admin page of a telemeter. */
export interface TelemeterRoute {
  readonly path: string;
  readonly contentType: string;
  /** The page, whole or in parts; the event loop turns between parts. */
  render(
    metrics: MetricsReader,
    request: {
      readonly host: string;
      readonly query: URLSearchParams;
      /** The latest first; none unless the telemeter wants some. */
      readonly recent: readonly RecentRequest[];
    },
  ): string | Iterable<string>;
}

/** Which requests a telemeter wants to show. */
export interface RecentSettings {
  /** The share of all requests, 0 to 1. */
  readonly sampleRate: number;
  /** Traces that are kept. */
  readonly capacity: number;
}

/** A request that has ended. */
export interface RecentRequest {
  /** When it ended, in milliseconds since the epoch. */
  readonly time: number;
  readonly traceId: string;
  /** The router's label. */
  readonly router: string;
  /** The server, `ip/port`. */
  readonly server: string;
  /** The caller's address. */
  readonly remote: string | undefined;
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly durationMs: number;
  readonly service: string | undefined;
  readonly client: string | undefined;
  readonly endpoint: string | undefined;
}

/** Reads the series of all planes, summed over the workers. */
export interface MetricsReader {
  series(): Iterable<MetricSeries>;
}

/** One series with its value now. */
export type MetricSeries =
  | {
      readonly type: "counter";
      readonly scopes: readonly string[];
      readonly name: string;
      readonly value: number;
    }
  | {
      readonly type: "gauge";
      readonly scopes: readonly string[];
      readonly name: string;
      readonly value: number;
    }
  | {
      readonly type: "stat";
      readonly scopes: readonly string[];
      readonly name: string;
      /** Since the series began. */
      readonly total: { readonly count: number; readonly sum: number };
      /** The last closed snapshot interval; undefined before the first. */
      readonly snapshot: StatSummary | undefined;
    };

/** A closed interval of a distribution. */
export interface StatSummary {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly avg: number;
  /** Keys `0.5`, `0.9`, `0.95`, `0.99`, `0.999`, `0.9999`. */
  readonly quantiles: Readonly<Record<string, number>>;
}

/** Registers this host's servers. */
export interface Announcer {
  /**
   * Keeps a server registered under a name, which comes without the announcer's prefix, until `signal` aborts; resolves
   * when it is withdrawn. What goes wrong meanwhile is tried again; it rejects for a name that it can never register.
   */
  announce(
    name: Path,
    address: { readonly host: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<void>;
}

/** What a plugin of the data plane must know from outside: created with the same block, in the control thread. */
export interface Feed {
  /** Plain data that is sent whole to every worker; observed while a configuration that names the plugin runs. */
  readonly values: Activity<unknown>;
  /** The document behind `/<router>/identifier_state/<kind>.json`. */
  state?(): unknown;
}

/** The request as an identifier sees it. */
export interface RequestView {
  readonly method: string;
  /** Path and query as they go out; an identifier may rewrite it. */
  target: string;
  readonly version: "1.0" | "1.1" | "2";
  /** The first value of a header; the name in lower case. */
  header(name: string): string | undefined;
}

/** Why an identifier passed; the next one is asked. */
export class Unidentified {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Names a request. A throw ends the list of identifiers with a 400; `Unidentified` moves on to the next. */
export interface Identifier {
  identify(request: RequestView): Path | Unidentified;
}

/** What a balancer knows of an endpoint. */
export interface BalancedEndpoint {
  /** Relative weight, 1 unless discovery says otherwise. */
  readonly weight: number;
  /** Requests in flight on it. */
  readonly pending: number;
  /** Whether it may be picked: closed is worst. */
  readonly status: "open" | "busy" | "closed";
  /** A balancer's own state of it; survives updates of the set. */
  balancing: unknown;
}

/** What a balancer counts, for the client's `loadbalancer/…` metrics; only ever grows. */
export interface BalancerCounts {
  /** Picks that found no open endpoint within `maxEffort` and took what came. */
  maxEffortExhausted: number;
  /** Picks that went to another weight class because the chosen one had no open endpoint. */
  busyWeightClasses: number;
  /** Times the order of endpoints was made anew because of such a pick. */
  rebuilds: number;
}

/** Picks endpoints; one per client. */
export interface Balancer<E extends BalancedEndpoint = BalancedEndpoint> {
  /** A new set; endpoints that stay are the same objects. */
  update(endpoints: readonly E[]): void;
  /** Undefined only if the set is empty; fails open when no endpoint is. */
  pick(): E | undefined;
  /** A request began on, or ended at, an endpoint after `elapsedMs`. */
  started?(endpoint: E): void;
  ended?(endpoint: E, elapsedMs: number): void;
  readonly counts?: Readonly<BalancerCounts>;
}

/** Makes a balancer for each client. */
export interface BalancerFactory {
  /** The metric `loadbalancer/algorithm/<name>`. */
  readonly algorithm: string;
  create<E extends BalancedEndpoint>(): Balancer<E>;
}

/** A finished attempt. */
export interface Attempt {
  readonly method: string;
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  readonly error: ProxyError | undefined;
  /** The first value of a response header; the name in lower case. */
  responseHeader(name: string): string | undefined;
}

/** How an attempt is judged. */
export type ResponseClass = "success" | "retryable" | "failure";

/** Judges attempts; undefined leaves it to the base rules. */
export interface Classifier {
  classify(attempt: Attempt): ResponseClass | undefined;
}

/** Waits, one after another. */
export interface Backoff {
  /** The next wait in milliseconds; undefined once there are no more. */
  next(): number | undefined;
}

/** Makes sequences of waits; every sequence begins anew. */
export interface BackoffPolicy {
  start(): Backoff;
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

/** One end of a connection, for a label. */
export interface LabeledAddress {
  readonly ip: string | undefined;
  readonly port: number | undefined;
}

/** Labels an address in `Forwarded`; made anew per connection where `perConnection` says so. */
export interface Labeler {
  readonly perConnection: boolean;
  label(address: LabeledAddress): string;
}

/**
 * Trace ids as they travel. A 64-bit id is two signed 32-bit words: small integers, so that nothing is allocated for
 * the root that every request without a trace gets. Objects are written over: keep copies, not references.
 */
export interface TraceContext {
  /** Whether the trace id has 128 bits; its upper half is `root`. */
  wide: boolean;
  rootHi: number;
  rootLo: number;
  traceHi: number;
  traceLo: number;
  parentHi: number;
  parentLo: number;
  spanHi: number;
  spanLo: number;
  /** Bit 0: debug; bit 1: the sampling decision is known; bit 2: it is yes. Other bits travel on untouched. */
  flags: number;
}

/** Where a propagator reads: the first value of a header; the name in lower case. */
export interface HeaderSource {
  first(name: string): string | undefined;
}

/** Where a propagator writes: replaces a header; the name in lower case. */
export interface HeaderSink {
  set(name: string, value: string): void;
}

/** Reads trace context from a request and writes it to the next one. */
export interface TracePropagator {
  /** The headers it reads, in lower case; where none is present a request starts a new trace. */
  readonly reads: readonly string[];
  /** The headers that end here: removed from the request after reading. */
  readonly clears: readonly string[];
  /** Reads the caller's context into `trace`; false, with `trace` unspecified, where there is none. */
  read(headers: HeaderSource, trace: TraceContext): boolean;
  /** The rate in [0, 1] at which the caller wants this request sampled; NaN where it says nothing. */
  sampleRate(headers: HeaderSource): number;
  /** Sets the headers of the request that goes out. */
  write(trace: TraceContext, headers: HeaderSink): void;
}
