/**
 * The schema of the whole file: Linkerd 1's keys, and ours (`plugins`, `workers`, time-outs of the data plane).
 *
 * A loaded configuration is plain data that can be sent to a worker: durations are milliseconds, sizes are what the
 * key says, paths and dtabs are texts that have been checked. A group that is absent stays absent, for groups of
 * several matching entries replace each other as a whole (entries.ts); a group that is present
 * is complete.
 */
import { serverTls, socketOptions } from "./blocks.ts";
import { Ip, Millis, Port, Regex, withDefault } from "./formats.ts";
import { namer, telemeter } from "./schema-plugins.ts";
import { httpRouter, type RouterConfig } from "./schema-router.ts";
import { type Schema, type Static, Type } from "./type.ts";

export type { BackoffConfig, ClientTls, RetryBudgetConfig, ServerTls, SocketOptions } from "./blocks.ts";
export type { PluginBlock } from "./formats.ts";
export type { ClientConfig, ClientParams, ServiceConfig, ServiceParams } from "./schema-client.ts";
export type {
  BalancerBlock,
  InterpreterBlock,
  NamerBlock,
  TelemeterBlock,
  TransformerBlock,
} from "./schema-plugins.ts";
export type { RouterConfig } from "./schema-router.ts";
export type { ServerConfig, SignedOverrides } from "./schema-server.ts";

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
    stateDir: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          "The folder where what namers know is kept, for a start while their source is away; one daemon each. By default systemd's STATE_DIRECTORY, else nothing is kept.",
      }),
    ),
    workers: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 256,
        description:
          "Data workers; by default one, and more under load: up to the cores available, at most 4.",
      }),
    ),
  },
  { place: "file", description: "Configuration of Pointsman, in Linkerd 1's format." },
);

/** A whole configuration, checked and complete. */
export type LinkerdConfig = Omit<Static<typeof fileSchema>, "routers" | "workers"> & {
  routers: RouterConfig[];
  /** Most data workers. */
  workers: number;
  /** Data workers at the start; more are started under load. */
  initialWorkers: number;
};
