/**
 * The schema of the whole file: Linkerd 1's keys, and ours (`plugins`, `workers`, time-outs of the data plane).
 *
 * A loaded configuration is plain data that can be sent to a worker: durations are milliseconds, sizes are what the
 * key says, paths and dtabs are texts that have been checked. A group that is absent stays absent, for groups of
 * several matching entries replace each other as a whole (`clientEntries`, `serviceEntries`); a group that is present
 * is complete.
 */
import { backoff, clientTls, retryBudget, serverTls, socketOptions } from "./blocks.ts";
import {
  DtabText,
  HeaderName,
  Ip,
  Kinds,
  Millis,
  OneOrMany,
  PathText,
  PatternText,
  type PluginBlock,
  PluginOf,
  Port,
  Regex,
  RollPolicy,
  withDefault,
} from "./formats.ts";
import { type Schema, type Static, Type } from "./type.ts";

export type { BackoffConfig, ClientTls, RetryBudgetConfig, ServerTls, SocketOptions } from "./blocks.ts";
export type { PluginBlock } from "./formats.ts";

// === Plugin blocks ===

const experimental = Type.Boolean({
  default: false,
  description: "Enables a plugin that is marked experimental.",
});

const transformer = PluginOf<TransformerBlock>("transformer", {
  prefix: Type.Optional(PathText({ description: "What it puts in front of ids, below `/%`." })),
});

const transformers = Type.Array(transformer, {
  default: [],
  description: "Applied in order to what is bound.",
});

/** A transformer's block. */
export interface TransformerBlock extends PluginBlock {
  readonly prefix?: string | undefined;
}

/** A namer's block. */
export interface NamerBlock extends PluginBlock {
  /** Its names are `/#<prefix>/…`; by default `/` and the kind as the file spells it. */
  readonly prefix: string;
  readonly experimental: boolean;
  readonly transformers: readonly TransformerBlock[];
}

/** An interpreter's block. */
export interface InterpreterBlock extends PluginBlock {
  readonly experimental: boolean;
  readonly transformers: readonly TransformerBlock[];
}

/** A telemeter's block. */
export interface TelemeterBlock extends PluginBlock {
  readonly experimental: boolean;
}

/** A load balancer's block. */
export interface BalancerBlock extends PluginBlock {
  readonly enableProbation: boolean;
}

const namer = PluginOf<NamerBlock>("namer", {
  prefix: PathText({ defaultsToKind: true, description: "Its names are `/#<prefix>/…`." }),
  experimental,
  transformers,
});

const interpreter = PluginOf<InterpreterBlock>("interpreter", { experimental, transformers });
const telemeter = PluginOf<TelemeterBlock>("telemeter", { experimental });

const balancer = PluginOf<BalancerBlock>("balancer", {
  enableProbation: Type.Boolean({
    default: false,
    description: "Keep endpoints that discovery dropped while they are healthy.",
  }),
});

// === Services ===

const serviceKeys = {
  totalTimeoutMs: Type.Optional(
    Type.Integer({ description: "Limit for a request with all its retries; 0 or less: none." }),
  ),
  retries: Type.Optional(
    Type.Object(
      { budget: Type.Optional(retryBudget), backoff: Type.Optional(backoff) },
      { place: "retries", description: "Retries of requests that the classifier calls retryable." },
    ),
  ),
  responseClassifier: Type.Optional(PluginOf("classifier", {}, { description: "Judges responses." })),
};

const serviceParams = Type.Object(serviceKeys, { place: "service" });

/** What holds for a logical name. */
export type ServiceParams = Static<typeof serviceParams>;

const service = Kinds(
  {
    "io.l5d.global": serviceParams,
    "io.l5d.static": Type.Object(
      {
        configs: Type.Array(
          Type.Object(
            {
              prefix: PatternText({ description: "Pattern of logical names, e.g. /svc/web." }),
              ...serviceKeys,
            },
            { place: "service" },
          ),
          { description: "All that match apply, in order." },
        ),
      },
      { place: "service" },
    ),
  },
  {
    place: "service",
    default: {},
    defaultKind: "io.l5d.global",
    description: "What holds for each logical name: time-outs, retries, classification.",
  },
);

/** A router's `service` block. */
export type ServiceConfig = Static<typeof service>;

// === Clients ===

const session = (what: string) => ({
  idleTimeMs: Type.Optional(Millis({ description: `Close ${what} that is idle this long; 0: never.` })),
  lifeTimeMs: Type.Optional(Millis({ description: `Close ${what} that is older than this; 0: never.` })),
});

const clientKeys = {
  tls: Type.Optional(clientTls),
  loadBalancer: Type.Optional(balancer),
  failureAccrual: Type.Optional(
    PluginOf(
      "accrual",
      { backoff: Type.Optional(backoff) },
      { description: "When an endpoint is left out." },
    ),
  ),
  hostConnectionPool: Type.Optional(
    Type.Object(
      {
        minSize: Type.Integer({ minimum: 0, default: 0, description: "Connections kept to each endpoint." }),
        maxSize: Type.Integer({
          minimum: 1,
          default: 2147483647,
          description: "Most connections to each endpoint.",
        }),
        idleTimeMs: Type.Optional(
          Millis({ description: "How long connections above minSize are kept idle." }),
        ),
        maxWaiters: Type.Integer({
          minimum: 0,
          default: 2147483647,
          description: "Requests that may wait at maxSize.",
        }),
      },
      { place: "hostConnectionPool", description: "Connections to each endpoint." },
    ),
  ),
  requestAttemptTimeoutMs: Type.Optional(
    Type.Integer({ description: "Limit for one attempt; 0 or less: none." }),
  ),
  requeueBudget: Type.Optional(retryBudget),
  failFast: Type.Optional(
    Type.Boolean({
      description: "After a failed connect, leave the endpoint out and reconnect in the background.",
    }),
  ),
  clientSession: Type.Optional(Type.Object(session("a connection"), { place: "clientSession" })),
  socketOptions: Type.Optional(socketOptions),
  forwardClientCert: Type.Optional(
    Type.Boolean({
      description: "Tell endpoints about the caller's certificate in x-forwarded-client-cert.",
    }),
  ),
  requestAuthorizers: Type.Optional(Type.Array(PluginOf("authorizer"))),
  connectTimeoutMs: Type.Optional(
    Type.Integer({ minimum: 1, description: "Limit for a connection to be made; 1000 unless given." }),
  ),
  responseTimeoutMs: Type.Optional(
    Millis({
      description: "Longest silence of an endpoint that owes an answer, or more of it; 0 or absent: none.",
    }),
  ),
};

const clientParams = Type.Object(clientKeys, { place: "client" });

/** What holds for a client, which is a bound name. */
export type ClientParams = Static<typeof clientParams>;

const client = Kinds(
  {
    "io.l5d.global": clientParams,
    "io.l5d.static": Type.Object(
      {
        configs: Type.Array(
          Type.Object(
            {
              prefix: PatternText({ description: "Pattern of client ids, e.g. /#/io.l5d.fs/web." }),
              ...clientKeys,
            },
            { place: "client" },
          ),
          { description: "All that match apply, in order." },
        ),
      },
      { place: "client" },
    ),
  },
  {
    place: "client",
    default: {},
    defaultKind: "io.l5d.global",
    description: "What holds for each bound name: connections, balancing, time-outs.",
  },
);

/** A router's `client` block. */
export type ClientConfig = Static<typeof client>;

// === Servers ===

const labeler = () => PluginOf("labeler", {}, { default: { kind: "requestRandom" } });

const server = Type.Object(
  {
    port: Port({ default: 4140, description: "Port to listen on; 0: any free one." }),
    ip: Ip({ default: "127.0.0.1", description: "Address to listen on." }),
    socketOptions: withDefault(socketOptions, {}),
    tls: Type.Optional(serverTls),
    maxConcurrentRequests: Type.Optional(
      Type.Integer({ minimum: 1, description: "Requests above this are refused at once, with 503." }),
    ),
    announce: Type.Optional(Type.Array(PathText(), { description: "Names to announce this server under." })),
    clearContext: Type.Boolean({
      default: false,
      description: "Distrust and remove l5d-* headers of callers.",
    }),
    serverSession: Type.Object(
      {
        idleTimeMs: Millis({
          default: 600_000,
          description: "Close a connection that is idle this long; 0: never.",
        }),
        lifeTimeMs: Type.Optional(
          Millis({ description: "Close a connection that is older than this; 0: never." }),
        ),
      },
      { place: "serverSession", default: {} },
    ),
    timeoutMs: Type.Optional(
      Type.Integer({ description: "Limit for a request on this server; 0 or less: none." }),
    ),
    label: Type.Optional(
      Type.String({ description: "Accepted for Linkerd 1's sake; metrics are named by ip and port." }),
    ),
    addForwardedHeader: Type.Optional(
      Type.Object(
        { by: labeler(), for: labeler() },
        { place: "addForwardedHeader", description: "Add RFC 7239 Forwarded." },
      ),
    ),
    timestampHeader: Type.Optional(
      HeaderName({ description: "Header to add to requests, with the time of arrival in milliseconds." }),
    ),
    maxCallDepth: Type.Integer({
      default: 1000,
      description: "Most proxies in Via; above it a request is refused.",
    }),
    requestHeadTimeoutMs: Millis({
      default: 30_000,
      description: "Limit for a request's head to arrive once its first byte has; 0: none.",
    }),
    requestBodyTimeoutMs: Millis({
      default: 60_000,
      description: "Longest silence in a request's body; 0: none.",
    }),
  },
  { place: "server", description: "A port to take requests on." },
);

/** One server of a router. */
export type ServerConfig = Static<typeof server>;

// === Routers ===

const size = (fallback: number, description: string) =>
  Type.Integer({ minimum: 1, default: fallback, description });

const httpRouter = Type.Object(
  {
    protocol: Type.Literal("http"),
    servers: Type.Array(server, { minItems: 1, description: "Ports to take requests on." }),
    service,
    client,
    label: Type.Optional(
      Type.String({ minLength: 1, description: "Name of the router; by default its protocol." }),
    ),
    dtab: DtabText({ default: "", description: "The base delegation table." }),
    dstPrefix: PathText({ default: "/svc", description: "What every name starts with." }),
    identifier: OneOrMany(PluginOf("identifier"), {
      default: [{ kind: "io.l5d.header.token" }],
      minItems: 1,
      description: "How requests are named; the first that names one wins.",
    }),
    interpreter: withDefault(interpreter, { kind: "default" }),
    announcers: Type.Optional(Type.Array(PluginOf("announcer"))),
    originator: Type.Boolean({ default: false, description: "Sets the gauge rt/<label>/originator." }),
    bindingTimeoutMs: Millis({
      default: 10_000,
      description: "Limit for naming and for getting a connection.",
    }),
    bindingCache: Type.Object(
      {
        paths: size(1000, "Logical names kept."),
        trees: size(1000, "Bound trees kept."),
        bounds: size(1000, "Pairs of client and residual kept."),
        clients: size(1000, "Clients kept."),
        idleTtlSecs: size(600, "How long what is not used is kept."),
      },
      { place: "bindingCache", default: {}, description: "Sizes of the caches of names." },
    ),
    experimental,
    httpAccessLog: Type.Optional(Type.String({ description: "Access log file." })),
    httpAccessLogRollPolicy: Type.Optional(RollPolicy({ description: "When the access log rolls over." })),
    httpAccessLogAppend: Type.Optional(
      Type.Boolean({ description: "Append to the access log, not truncate it." }),
    ),
    httpAccessLogRotateCount: Type.Optional(
      Type.Integer({ description: "Rolled access logs kept; -1: all." }),
    ),
    streamAfterContentLengthKB: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: "Longer messages are streamed, not buffered; 5 unless given.",
      }),
    ),
    streamingEnabled: Type.Boolean({ default: true, description: "false: whole messages are buffered." }),
    maxHeadersKB: size(8, "Most kilobytes of headers of a message."),
    maxInitialLineKB: size(4, "Most kilobytes of a request or status line."),
    maxErrResponseKB: size(5120, "Most kilobytes of an error's body."),
    compressionLevel: Type.Integer({
      minimum: -1,
      maximum: 9,
      default: -1,
      description: "Compression of responses: -1 of textual types only, 0 never, 1 to 9 of everything.",
    }),
    tracePropagator: PluginOf("propagator", {}, { default: { kind: "io.l5d.default" } }),
  },
  { place: "router", description: "A router of HTTP/1.1." },
);

/** One router; its label is filled in. */
export type RouterConfig = Omit<Static<typeof httpRouter>, "label"> & { label: string };

// === The file ===

const admin = Type.Object(
  {
    ip: Ip({ default: "127.0.0.1", description: "Address to listen on." }),
    port: Port({ default: 9990, description: "Port to listen on." }),
    socketOptions: withDefault(socketOptions, {}),
    tls: Type.Optional(serverTls),
    shutdownGraceMs: Millis({
      default: 10_000,
      description: "Most time for requests in flight at shutdown.",
    }),
    workerThreads: Type.Integer({
      minimum: 1,
      default: 2,
      description: "Accepted for Linkerd 1's sake: the admin server has a thread of its own anyway.",
    }),
    httpIdentifierPort: Type.Optional(
      Port({ description: "Port that tells how requests would be identified." }),
    ),
    security: Type.Optional(
      Type.Object(
        {
          uiEnabled: Type.Boolean({ default: true, description: "Serve the pages." }),
          controlEnabled: Type.Boolean({ default: true, description: "Serve what changes state." }),
          diagnosticsEnabled: Type.Boolean({ default: true, description: "Serve everything else." }),
          pathWhitelist: Type.Array(Regex(), { default: [], description: "Paths served all the same." }),
          pathBlacklist: Type.Array(Regex(), { default: [], description: "Paths never served." }),
        },
        { place: "security", description: "Which admin pages are served." },
      ),
    ),
  },
  { place: "admin", default: {}, description: "The admin server." },
);

/** The admin server. */
export type AdminConfig = Static<typeof admin>;

/** The schema of the whole file. */
export const fileSchema = Type.Object(
  {
    routers: Type.Array(
      { type: "object", protocols: { http: httpRouter } } as Schema<Static<typeof httpRouter>>,
      { minItems: 1, description: "One pipeline each." },
    ),
    namers: Type.Array(namer, { default: [], description: "Service discovery; later ones are asked first." }),
    telemetry: Type.Array(telemeter, { default: [], description: "Exporters of metrics and traces." }),
    admin,
    usage: Type.Optional(
      Type.Object(
        {
          enabled: Type.Boolean({
            default: true,
            description: "Accepted and ignored: nothing is ever reported.",
          }),
          orgId: Type.Optional(Type.String({ description: "Accepted and ignored." })),
        },
        { place: "usage", description: "Accepted for Linkerd 1's sake: nothing is ever reported." },
      ),
    ),
    plugins: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: "Your own plugins: files relative to this one, or npm packages.",
    }),
    workers: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 256,
        description: "Data workers; by default the cores available, at most 4.",
      }),
    ),
  },
  { place: "file", description: "Configuration of Pointsman, in Linkerd 1's format." },
);

/** A whole configuration, checked and complete. */
export type LinkerdConfig = Omit<Static<typeof fileSchema>, "routers" | "workers"> & {
  routers: RouterConfig[];
  workers: number;
};

/** What holds where the file is silent, for groups that stay absent. */
export const defaults = {
  connectTimeoutMs: 1000,
  streamAfterContentLengthKB: 5,
  retryBudget: { minRetriesPerSec: 10, percentCanRetry: 0.2, ttlSecs: 10 },
  loadBalancer: { kind: "p2c", enableProbation: false, maxEffort: 5 },
  failureAccrual: { kind: "io.l5d.consecutiveFailures", failures: 5 },
  hostConnectionPool: { minSize: 0, maxSize: 2147483647, maxWaiters: 2147483647 },
  socketOptions: { noDelay: true, reuseAddr: true, reusePort: false },
} as const;

/** Parameters with the pattern of the names that they are for. */
export type Entry<T> = T & { readonly prefix: string };

/** The entries of a `client` block in order; one that is global has the pattern `/`, which matches everything. */
export const clientEntries = (config: ClientConfig): readonly Entry<ClientParams>[] =>
  config.kind === "io.l5d.static" ? config.configs : [{ prefix: "/", ...config }];

/** The entries of a `service` block in order; one that is global has the pattern `/`, which matches everything. */
export const serviceEntries = (config: ServiceConfig): readonly Entry<ServiceParams>[] =>
  config.kind === "io.l5d.static" ? config.configs : [{ prefix: "/", ...config }];
