/** `p2c`: of two endpoints picked by chance, the one with fewer requests in flight. The default. */
import { Type } from "../../config/type.ts";
import { type BalancedEndpoint, definePlugin } from "../contract.ts";
import { pickOfTwo } from "../lib/two-choices.ts";
import { balanceByWeight, createCounts, type EqualBalancer } from "../lib/weight-classes.ts";

const pendingOf = (endpoint: BalancedEndpoint): number => endpoint.pending;

export default definePlugin({
  slot: "balancer",
  kind: "p2c",
  schema: Type.Object({
    maxEffort: Type.Integer({
      minimum: 1,
      default: 5,
      description: "Picks before taking an endpoint that is not open.",
    }),
  }),
  create: ({ maxEffort }, { random }) => ({
    algorithm: "p2c_least_loaded",
    create<E extends BalancedEndpoint>() {
      const counts = createCounts();
      const createEqual = (): EqualBalancer<E> => {
        let endpoints: readonly E[] = [];
        return {
          update: (next) => {
            endpoints = next;
          },
          pick: () => pickOfTwo(endpoints, maxEffort, pendingOf, random, counts),
        };
      };
      return balanceByWeight(createEqual, random, counts, false);
    },
  }),
});
