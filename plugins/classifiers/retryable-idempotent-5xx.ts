/** `io.l5d.http.retryableIdempotent5XX`: the same for PUT and DELETE too. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../contract.ts";
import { idempotentMethods, retryable5xx } from "../lib/http-classes.ts";

const classifier = retryable5xx(idempotentMethods);

export default definePlugin({
  slot: "classifier",
  kind: "io.l5d.http.retryableIdempotent5XX",
  schema: Type.Object({}),
  create: () => classifier,
});
