/** What holds for logical names (`service`) and for bound ones (`client`), for all or by pattern. */
import { backoff, clientTls, retryBudget, socketOptions } from "./blocks.ts";
import { Kinds, Millis, PatternText, PluginOf } from "./formats.ts";
import { balancer } from "./schema-plugins.ts";
import { type Static, Type } from "./type.ts";

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
  retryBufferSize: Type.Optional(
    Type.Object(
      {
        requestBytes: Type.Integer({
          minimum: 0,
          default: 16_383,
          description: "Bytes of a streamed request kept while it may be sent again.",
        }),
      },
      { place: "retryBufferSize", description: "What is kept of streamed requests; nothing unless given." },
    ),
  ),
};

const serviceParams = Type.Object(serviceKeys, { place: "service" });

/** What holds for a logical name. */
export type ServiceParams = Static<typeof serviceParams>;

/** A router's `service` block. */
export const service = Kinds(
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

const session = (what: string) => ({
  idleTimeMs: Type.Optional(Millis({ description: `Close ${what} that is idle this long; 0: never.` })),
  lifeTimeMs: Type.Optional(Millis({ description: `Close ${what} that is older than this; 0: never.` })),
});

/** Health checks of a client's endpoints. */
export const healthCheck = Type.Object(
  {
    path: Type.Optional(
      Type.String({
        pattern: "^/[!-~]*$",
        description:
          "A GET for this path must be answered with 200 to 399; without it a connection is enough.",
      }),
    ),
    host: Type.Optional(
      Type.String({
        pattern: "^[!-~]+$",
        description: "The Host header of that request; the endpoint's address unless given.",
      }),
    ),
    intervalMs: Millis({
      minimum: 250,
      default: 10_000,
      description: "How often each endpoint is checked, by each worker.",
    }),
    timeoutMs: Millis({ minimum: 1, default: 1_000, description: "A check that takes longer has failed." }),
    healthyAfter: Type.Integer({
      minimum: 1,
      default: 2,
      description: "So many good checks in a row bring an unhealthy endpoint back.",
    }),
    unhealthyAfter: Type.Integer({
      minimum: 1,
      default: 3,
      description: "So many failed checks in a row make it unhealthy; one that is new must pass its first.",
    }),
    jitterPercent: Type.Integer({
      minimum: 0,
      maximum: 100,
      default: 20,
      description: "How much longer or shorter, by chance, each interval is.",
    }),
  },
  {
    place: "healthCheck",
    description: "Check endpoints actively; one that fails is used when there is no other.",
  },
);

const clientKeys = {
  healthCheck: Type.Optional(healthCheck),
  trustDiscovery: Type.Optional(
    Type.Enum(["always", "whenFresh", "never"], {
      description:
        "Whether an endpoint goes when discovery drops it, or only when it does not answer either: always (discovery's word counts), never, or, unless given, whenFresh: always but for sets that distrustAfterSeconds marks.",
    }),
  ),
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
  clientSession: Type.Optional(
    Type.Object(session("a connection"), {
      place: "clientSession",
      description: "How long connections to endpoints live.",
    }),
  ),
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

/** A router's `client` block. */
export const client = Kinds(
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
