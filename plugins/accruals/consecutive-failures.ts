/** `io.l5d.consecutiveFailures`: an endpoint is dead after so many failures in a row. The default, with five. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../contract.ts";
import { createRemoval } from "../lib/removal.ts";

export default definePlugin({
  slot: "accrual",
  kind: "io.l5d.consecutiveFailures",
  schema: Type.Object({
    failures: Type.Integer({ minimum: 1, description: "Failures in a row after which an endpoint is dead." }),
  }),
  create: ({ failures }, { backoff }) => ({
    create() {
      const removal = createRemoval(backoff);
      let inARow = 0;
      return {
        success() {
          inARow = 0;
        },
        failure() {
          inARow++;
          return inARow >= failures ? removal.next() : undefined;
        },
        revived() {
          inARow = 0;
          removal.reset();
        },
      };
    },
  }),
});
