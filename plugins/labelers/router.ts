/** `router`: the router's label. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../contract.ts";

export default definePlugin({
  slot: "labeler",
  kind: "router",
  schema: Type.Object({}),
  create: (_config, { routerLabel }) => ({ perConnection: true, label: () => `_${routerLabel}` }),
});
