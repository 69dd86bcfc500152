/** `static`: one label for all. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../contract.ts";

export default definePlugin({
  slot: "labeler",
  kind: "static",
  schema: Type.Object({
    label: Type.String({
      pattern: "^[A-Za-z0-9._-]+$",
      description: "The label; `_` is put in front unless it is there.",
    }),
  }),
  create: ({ label }) => {
    const obfuscated = label.startsWith("_") ? label : `_${label}`;
    return { perConnection: true, label: () => obfuscated };
  },
});
