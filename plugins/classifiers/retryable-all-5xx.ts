/** `io.l5d.http.retryableAll5XX`: the same for POST and PATCH too. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../contract.ts";
import { allMethods, retryable5xx } from "../lib/http-classes.ts";

const classifier = retryable5xx(allMethods);

export default definePlugin({
  slot: "classifier",
  kind: "io.l5d.http.retryableAll5XX",
  schema: Type.Object({}),
  create: () => classifier,
});
