/** `requestRandom`: a random label, another one for each request. The default. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../contract.ts";
import { randomLabel, showIp, unknownLabel } from "../lib/address-text.ts";

export default definePlugin({
  slot: "labeler",
  kind: "requestRandom",
  schema: Type.Object({}),
  create: (_config, { random }) => ({
    perConnection: false,
    label: (address) => (showIp(address) === undefined ? unknownLabel : randomLabel(random)),
  }),
});
