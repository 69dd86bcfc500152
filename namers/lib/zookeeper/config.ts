/** Keys that everything has that talks to ZooKeeper. */
import { clientTls } from "../../../config/blocks.ts";
import { PathText, Port } from "../../../config/formats.ts";
import { type Static, Type } from "../../../config/type.ts";

/** The block's keys. */
export const zooKeeperKeys = {
  zkAddrs: Type.Array(
    Type.Object({
      host: Type.String({ minLength: 1, description: "A server." }),
      port: Port({ default: 2181, description: "Its client port." }),
    }),
    { minItems: 1, description: "The servers of the ensemble; they are tried in an order of chance." },
  ),
  chroot: PathText({ default: "/", description: "All paths are below this node." }),
  sessionTimeoutMs: Type.Integer({
    minimum: 400,
    maximum: 600_000,
    default: 10_000,
    description:
      "How long a session lives without a word; a dead connection is noticed after two thirds of it.",
  }),
  tls: Type.Optional(clientTls),
  authInfo: Type.Optional(
    Type.Object(
      {
        scheme: Type.String({ minLength: 1, description: "How to prove who we are, such as digest." }),
        auth: Type.String({ description: "The proof, such as user:password." }),
      },
      { description: "Credentials, for nodes that not everybody may read." },
    ),
  ),
} as const;

const schema = Type.Object(zooKeeperKeys);

/** The keys with their defaults. */
export type ZooKeeperConfig = Static<typeof schema>;
