/** `connectionRandom`: a random label, the same for all requests of a connection. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../contract.ts";
import { randomLabel, showIp, unknownLabel } from "../lib/address-text.ts";

export default definePlugin({
  slot: "labeler",
  kind: "connectionRandom",
  schema: Type.Object({}),
  create: (_config, { random }) => ({
    perConnection: true,
    label: (address) => (showIp(address) === undefined ? unknownLabel : randomLabel(random)),
  }),
});
