/** `io.l5d.zone`: endpoints in the zone of this host come first, and others help as far as those are not live. */
import { Type } from "../../config/type.ts";
import { type Addr, Var } from "../../dtab/index.ts";
import { definePlugin, type Transformer, type TransformerContext } from "../contract.ts";
import { mappingAddrs } from "../lib/bound-transformers.ts";
import { nodeNameKey } from "../lib/local-node.ts";
import { preferZone } from "../lib/zone-preference.ts";

/** The keys of its block. */
export interface ZoneOptions {
  readonly zone?: string | undefined;
  readonly metadataKey: string;
  readonly spillBelowPercent: number;
  readonly returnAtPercent: number;
}

export default definePlugin({
  slot: "transformer",
  kind: "io.l5d.zone",
  schema: Type.Object({
    zone: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          "The zone of this host; by default the environment variable ZONE, else that of an endpoint on the node NODE_NAME.",
      }),
    ),
    metadataKey: Type.String({
      minLength: 1,
      default: "zone",
      description: "The metadata of an address that is its zone.",
    }),
    spillBelowPercent: Type.Integer({
      minimum: 0,
      maximum: 100,
      default: 70,
      description: "Other zones help when less of this zone's endpoints is live.",
    }),
    returnAtPercent: Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 90,
      description: "They help no more when so much is; at least spillBelowPercent.",
    }),
  }),
  create: createZone,
});

/** See the file's comment. */
export function createZone(
  options: ZoneOptions,
  { prefix, env }: Pick<TransformerContext, "prefix" | "env">,
): Transformer {
  const { metadataKey: key, spillBelowPercent: spillBelow, returnAtPercent: returnAt } = options;
  if (returnAt < spillBelow) {
    throw new Error(`io.l5d.zone: returnAtPercent ${returnAt} is below spillBelowPercent ${spillBelow}`);
  }
  const node = env("NODE_NAME");
  const own = Var.mutable<string | undefined>(options.zone ?? env("ZONE"));
  if (own.sample() === undefined && node === undefined) {
    throw new Error(
      "io.l5d.zone: the zone of this host is not known: give zone, or the environment variable ZONE or NODE_NAME",
    );
  }
  return mappingAddrs(prefix, (addr) => {
    if (own.sample() === undefined) own.set(zoneOfNode(addr, node, key));
    return own.map((zone) =>
      zone === undefined ? addr : preferZone(addr, { zone, key, spillBelow, returnAt }),
    );
  });
}

/** The zone of an endpoint on this node, which is that of the node. */
function zoneOfNode(addr: Addr, node: string | undefined, key: string): string | undefined {
  if (addr.tag !== "bound") return undefined;
  const neighbour = addr.addresses.find(({ meta }) => meta[nodeNameKey] === node && meta[key] !== undefined);
  return neighbour === undefined ? undefined : String(neighbour.meta[key]);
}
