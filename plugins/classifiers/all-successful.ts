/** `io.l5d.http.allSuccessful`: every answer is a success, whatever its status. */
import { Type } from "../../config/type.ts";
import { type Classifier, definePlugin } from "../contract.ts";

const everyAnswer: Classifier = {
  classify: ({ status }) => (status === undefined ? undefined : "success"),
};

export default definePlugin({
  slot: "classifier",
  kind: "io.l5d.http.allSuccessful",
  schema: Type.Object({}),
  create: () => everyAnswer,
});
