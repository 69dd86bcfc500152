/** `io.l5d.http.retryableRead5XX`: 5xx answers and broken attempts may be retried for methods that change nothing. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../contract.ts";
import { readMethods, retryable5xx } from "../lib/http-classes.ts";

const classifier = retryable5xx(readMethods);

export default definePlugin({
  slot: "classifier",
  kind: "io.l5d.http.retryableRead5XX",
  schema: Type.Object({}),
  create: () => classifier,
});
