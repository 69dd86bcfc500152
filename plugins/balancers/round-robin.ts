/** `roundRobin`: one after the other, among those that were open when the list was made. */
import { Type } from "../../config/type.ts";
import { type BalancedEndpoint, type BalancerCounts, definePlugin } from "../contract.ts";
import { type CreateEqual, type EqualBalancer, WeightedBalancer } from "../lib/weight-classes.ts";

export default definePlugin({
  slot: "balancer",
  kind: "roundRobin",
  schema: Type.Object({
    maxEffort: Type.Integer({ minimum: 1, default: 5, description: "Picks before the list is made anew." }),
  }),
  create: ({ maxEffort }, { random }) => {
    const createEqual: CreateEqual = (counts) => createRoundRobin(maxEffort, counts);
    return { algorithm: "round_robin", create: () => new WeightedBalancer(createEqual, random) };
  },
});

function createRoundRobin<E extends BalancedEndpoint>(
  maxEffort: number,
  counts: BalancerCounts,
): EqualBalancer<E> {
  let endpoints: readonly E[] = [];
  let turn: readonly E[] = [];
  let at = 0;

  const rebuild = (): void => {
    const open = endpoints.filter((endpoint) => endpoint.status === "open");
    turn = open.length === 0 ? endpoints : open;
  };
  const next = (): E => {
    at = (at + 1) % turn.length;
    return turn[at]!;
  };

  return {
    update(all) {
      endpoints = all;
      rebuild();
    },
    pick() {
      if (endpoints.length === 0) return undefined;
      // An endpoint that has come back is seen when the list is made anew: here, so that it does not wait for an update.
      if (turn.length !== endpoints.length && at === turn.length - 1) rebuild();
      for (let effort = 0; effort < maxEffort; effort++) {
        const picked = next();
        if (picked.status === "open") return picked;
      }
      counts.maxEffortExhausted++;
      counts.rebuilds++;
      rebuild();
      return next();
    },
  };
}
