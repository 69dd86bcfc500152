/** The keys of `io.l5d.consul`. */
import { clientTls } from "../../config/blocks.ts";
import { Port } from "../../config/formats.ts";
import { type Static, Type } from "../../config/type.ts";
import { discoveryKeys } from "../lib/discovery-keys.ts";

/** What an instance's worst check may be. */
export const healthStatuses = ["passing", "warning", "critical", "maintenance"] as const;

/** The schema of the block. */
export const consulSchema = Type.Object({
  host: Type.String({ default: "localhost", minLength: 1, description: "Where Consul's HTTP API is." }),
  port: Port({ default: 8500, description: "Its port." }),
  includeTag: Type.Boolean({
    default: false,
    description: "Names are /<dc>/<tag>/<service>; only instances with the tag count.",
  }),
  useHealthCheck: Type.Boolean({ default: false, description: "Take only instances whose checks allow it." }),
  healthStatuses: Type.Array(Type.Enum(healthStatuses), {
    default: ["passing"],
    minItems: 1,
    description: "With useHealthCheck: what an instance's worst check may be; without checks it is passing.",
  }),
  token: Type.Optional(Type.String({ description: "Sent as X-Consul-Token." })),
  setHost: Type.Boolean({
    default: false,
    description: "Requests get the Host [<tag>.]<service>.service.<dc>.<domain>.",
  }),
  consistencyMode: Type.Enum(["default", "stale", "consistent"], {
    default: "default",
    description: "How consistent answers must be, in Consul's words.",
  }),
  failFast: Type.Boolean({
    default: false,
    description:
      "After five failures in a row, leave Consul alone for a while instead of asking for each name.",
  }),
  preferServiceAddress: Type.Boolean({
    default: true,
    description: "Use the service's address where it has one, else the node's; false: always the node's.",
  }),
  weights: Type.Array(
    Type.Object({
      tag: Type.String({ description: "A service tag." }),
      weight: Type.Number({ minimum: 0, description: "The weight of instances that have it." }),
    }),
    { default: [], description: "Weights by tag: the largest that fits, or 1." },
  ),
  transferMetadata: Type.Boolean({
    default: false,
    description: "Metadata of services and nodes becomes metadata of the addresses.",
  }),
  fixedLengthStreamedAfterKB: Type.Optional(
    Type.Integer({
      minimum: 1,
      description: "Megabytes, in spite of its name: raises the most that an answer may have beyond 64.",
    }),
  ),
  tls: Type.Optional(clientTls),
  maxConnections: Type.Integer({
    minimum: 3,
    maximum: 10_000,
    default: 100,
    description: "The most connections to Consul; with more names than that, they take turns.",
  }),
  waitSeconds: Type.Integer({
    minimum: 1,
    maximum: 600,
    default: 20,
    description: "How long a blocking query waits for news; also how soon a dead connection is noticed.",
  }),
  ...discoveryKeys,
});

/** The block with its defaults. */
export type ConsulConfig = Static<typeof consulSchema>;
