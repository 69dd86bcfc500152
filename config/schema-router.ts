/** A router: servers in front, clients behind, naming between. */
import { DtabText, Millis, OneOrMany, PathText, PluginOf, RollPolicy, withDefault } from "./formats.ts";
import { client, service } from "./schema-client.ts";
import { announcer, experimental, interpreter } from "./schema-plugins.ts";
import { server } from "./schema-server.ts";
import { type Static, Type } from "./type.ts";

const size = (fallback: number, description: string) =>
  Type.Integer({ minimum: 1, default: fallback, description });

/** A router of HTTP/1.1. */
export const httpRouter = Type.Object(
  {
    protocol: Type.Literal("http", { description: "`http`; others are not built yet." }),
    servers: Type.Array(server, { minItems: 1, description: "Ports to take requests on." }),
    service,
    client,
    label: Type.Optional(
      Type.String({ minLength: 1, description: "Name of the router, unique; its protocol unless given." }),
    ),
    dtab: DtabText({ default: "", description: "The base delegation table." }),
    dstPrefix: PathText({ default: "/svc", description: "What every name starts with." }),
    identifier: OneOrMany(PluginOf("identifier"), {
      default: [{ kind: "io.l5d.header.token" }],
      minItems: 1,
      description: "How requests are named; the first that names one wins.",
    }),
    interpreter: withDefault(interpreter, { kind: "default" }),
    announcers: Type.Array(announcer, {
      default: [],
      description: "Where servers are registered that announce themselves.",
    }),
    originator: Type.Boolean({ default: false, description: "Sets the gauge `rt/<label>/originator`." }),
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
    httpAccessLogFormat: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          "linkerd: Linkerd 1's lines, one per attempt that was answered; json, or a template with {fields}: one per request.",
      }),
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
    tracePropagator: PluginOf(
      "propagator",
      {},
      { default: { kind: "io.l5d.default" }, description: "How trace ids travel in headers." },
    ),
  },
  { place: "router", description: "A router of HTTP/1.1." },
);

/** One router; its label is filled in. */
export type RouterConfig = Omit<Static<typeof httpRouter>, "label"> & { label: string };
