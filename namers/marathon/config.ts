/** The keys of `io.l5d.marathon`. */
import { clientTls } from "../../config/blocks.ts";
import { PathText, Port } from "../../config/formats.ts";
import { type Static, Type } from "../../config/type.ts";
import { discoveryKeys } from "../lib/discovery-keys.ts";

/** The schema of the block. */
export const marathonSchema = Type.Object({
  host: Type.String({
    default: "marathon.mesos",
    minLength: 1,
    description: "Where Marathon is; also the Host of requests to it.",
  }),
  port: Port({ default: 80, minimum: 1, description: "Its port." }),
  dst: Type.Optional(
    PathText({ description: "Connect to `/$/inet/<host>/<port>` instead of host and port." }),
  ),
  uriPrefix: Type.String({
    default: "",
    pattern: "^(/[^?#]*)?$",
    description: "Put before the paths of Marathon's API.",
  }),
  ttlMs: Type.Integer({
    minimum: 100,
    default: 5_000,
    description: "How often Marathon is asked, whatever its events tell.",
  }),
  jitterMs: Type.Integer({
    minimum: 0,
    default: 50,
    description: "Each wait is so much longer or shorter, by chance.",
  }),
  useHealthCheck: Type.Boolean({
    default: false,
    description: "Take only tasks that pass every health check of their app.",
  }),
  useEvents: Type.Boolean({
    default: true,
    description: "Follow Marathon's event stream, and ask again as soon as it tells of a change.",
  }),
  tls: Type.Optional(clientTls),
  ...discoveryKeys,
});

/** The block with its defaults. */
export type MarathonConfig = Static<typeof marathonSchema>;
