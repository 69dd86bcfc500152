/** `io.l5d.const`: every name leads to one place, those that are bound to nothing too. */
import { PathText } from "../../config/formats.ts";
import { Type } from "../../config/type.ts";
import { Path } from "../../dtab/index.ts";
import { definePlugin } from "../contract.ts";
import { bindAs } from "../lib/bind-as.ts";

export default definePlugin({
  slot: "transformer",
  kind: "io.l5d.const",
  schema: Type.Object({
    path: PathText({ description: "Where requests go; bound without the dtab, so it begins with /# or /$." }),
  }),
  create: ({ path }, { prefix, bind }) => {
    const place = bindAs(prefix, bind(Path.read(path)));
    return { delegable: false, transform: () => place };
  },
});
