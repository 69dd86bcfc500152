/** `io.l5d.successRate`: an endpoint is dead once its success rate over the last requests is too low. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../contract.ts";
import { Ema } from "../lib/ema.ts";
import { createRemoval } from "../lib/removal.ts";

export default definePlugin({
  slot: "accrual",
  kind: "io.l5d.successRate",
  schema: Type.Object({
    successRate: Type.Number({
      minimum: 0,
      maximum: 1,
      description: "Least part of requests that must succeed.",
    }),
    requests: Type.Integer({ minimum: 1, description: "Over how many requests; nothing is judged before." }),
  }),
  create: ({ successRate, requests }, { backoff }) => ({
    create() {
      const removal = createRemoval(backoff);
      const average = new Ema(requests);
      let seen = 0;
      const record = (value: number): number => average.update(++seen, value);
      return {
        success() {
          record(1);
        },
        failure() {
          const rate = record(0);
          return seen >= requests && rate < successRate ? removal.next() : undefined;
        },
        revived() {
          seen = 0;
          average.reset();
          removal.reset();
        },
      };
    },
  }),
});
