/** The keys of `io.l5d.rancher`. */
import { Port } from "../../config/formats.ts";
import { type Static, Type } from "../../config/type.ts";
import { discoveryKeys } from "../lib/discovery-keys.ts";

/** The schema of the block. */
export const rancherSchema = Type.Object({
  portMappings: Type.Record(Port({ minimum: 1 }), {
    default: {},
    description: "Names of ports beside http (80) and https (443), or instead of them.",
  }),
  maxWait: Type.Integer({
    minimum: 1,
    maximum: 600,
    default: 30,
    description: "How many seconds the metadata service waits for a change before it answers.",
  }),
  host: Type.String({
    default: "rancher-metadata",
    minLength: 1,
    description: "Where the metadata service is.",
  }),
  port: Port({ default: 80, minimum: 1, description: "Its port." }),
  ...discoveryKeys,
});

/** The block with its defaults. */
export type RancherConfig = Static<typeof rancherSchema>;
