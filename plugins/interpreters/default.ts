/** `default`: the router's dtab and the configured namers. */
import { Type } from "../../config/type.ts";
import { Activity, Dtab } from "../../dtab/index.ts";
import { definePlugin } from "../contract.ts";
import { dtabInterpreter } from "../lib/dtab-interpreter.ts";

export default definePlugin({
  slot: "interpreter",
  kind: "default",
  schema: Type.Object({}),
  create: (_config, ctx) => dtabInterpreter(Activity.value(Dtab.empty), ctx.namers),
});
