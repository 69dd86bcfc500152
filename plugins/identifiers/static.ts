/** `io.l5d.static`: every request has the same name. */
import { Type } from "../../config/type.ts";
import { Path } from "../../dtab/index.ts";
import { definePlugin } from "../contract.ts";

export default definePlugin({
  slot: "identifier",
  kind: "io.l5d.static",
  protocols: ["http"],
  schema: Type.Object({ path: Type.String({ format: "path", description: "The name, after dstPrefix." }) }),
  create: ({ path }, ctx) => {
    const name = ctx.dstPrefix.concat(Path.read(path));
    return { identify: () => name };
  },
});
