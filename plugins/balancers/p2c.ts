/** `p2c`: of two endpoints picked by chance, the one with fewer requests in flight. The default. */
import { Type } from "../../config/type.ts";
import { type BalancedEndpoint, type BalancerCounts, definePlugin } from "../contract.ts";
import { pickOfTwo } from "../lib/two-choices.ts";
import { type CreateEqual, type EqualBalancer, WeightedBalancer } from "../lib/weight-classes.ts";

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
  create: ({ maxEffort }, { random }) => {
    const createEqual: CreateEqual = (counts) => new LeastPending(maxEffort, random, counts);
    return { algorithm: "p2c_least_loaded", create: () => new WeightedBalancer(createEqual, random) };
  },
});

/** A class and no closures: every client has one. */
class LeastPending<E extends BalancedEndpoint> implements EqualBalancer<E> {
  readonly #maxEffort: number;
  readonly #random: () => number;
  readonly #counts: BalancerCounts;
  #endpoints: readonly E[] = [];

  constructor(maxEffort: number, random: () => number, counts: BalancerCounts) {
    this.#maxEffort = maxEffort;
    this.#random = random;
    this.#counts = counts;
  }

  update(endpoints: readonly E[]): void {
    this.#endpoints = endpoints;
  }

  pick(): E | undefined {
    return pickOfTwo(this.#endpoints, this.#maxEffort, pendingOf, this.#random, this.#counts);
  }
}
