/** `io.l5d.http.nonRetryable5XX`: 5xx answers are failures and not retried. The same as no classifier. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../contract.ts";
import { serverErrorClass } from "../lib/http-classes.ts";

const classifier = { classify: serverErrorClass };

export default definePlugin({
  slot: "classifier",
  kind: "io.l5d.http.nonRetryable5XX",
  schema: Type.Object({}),
  create: () => classifier,
});
