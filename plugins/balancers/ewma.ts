/** `ewma`: of two endpoints picked by chance, the one with the lower peak-sensitive average latency × load. */
import { Type } from "../../config/type.ts";
import { type BalancedEndpoint, type BalancerCounts, type Clock, definePlugin } from "../contract.ts";
import { pickOfTwo } from "../lib/two-choices.ts";
import { type CreateEqual, type EqualBalancer, FollowingBalancer } from "../lib/weight-classes.ts";

/** What an endpoint that never answered costs while it has requests: more than any that did. */
export const penalty = 140_737_488_355_327;

/** An endpoint's latency: a moving average that jumps up at once and comes down slowly. */
export class PeakEwma {
  /** Milliseconds; 0 until something is known. */
  cost = 0;
  #stampMs: number;
  readonly #decayMs: number;

  constructor(decayMs: number, nowMs: number) {
    this.#decayMs = decayMs;
    this.#stampMs = nowMs;
  }

  /** Takes a latency into account. */
  observe(rttMs: number, nowMs: number): void {
    const kept = Math.exp(-Math.max(0, nowMs - this.#stampMs) / this.#decayMs);
    this.cost = rttMs > this.cost ? rttMs : this.cost * kept + rttMs * (1 - kept);
    this.#stampMs = nowMs;
  }

  /** What one more request would cost now. */
  load(pending: number, nowMs: number): number {
    this.observe(0, nowMs);
    return this.cost === 0 && pending !== 0 ? penalty + pending : this.cost * (pending + 1);
  }
}

/** Below this a latency is a matter of the clock's grain; it must not pass for none. */
const leastMs = 0.001;

export default definePlugin({
  slot: "balancer",
  kind: "ewma",
  schema: Type.Object({
    maxEffort: Type.Integer({
      minimum: 1,
      default: 5,
      description: "Picks before taking an endpoint that is not open.",
    }),
    decayTimeMs: Type.Integer({
      minimum: 1,
      default: 10_000,
      description: "How long a slow answer is remembered.",
    }),
  }),
  create: ({ maxEffort, decayTimeMs }, { clock, random }) => {
    const createEqual: CreateEqual = (counts) => createEwma(maxEffort, decayTimeMs, clock, random, counts);
    return { algorithm: "p2c_peak_ewma", create: () => new FollowingBalancer(createEqual, random) };
  },
});

function createEwma<E extends BalancedEndpoint>(
  maxEffort: number,
  decayMs: number,
  clock: Clock,
  random: () => number,
  counts: BalancerCounts,
): EqualBalancer<E> {
  let endpoints: readonly E[] = [];
  let nowMs = 0;
  const latencyOf = (endpoint: E): PeakEwma => endpoint.balancing as PeakEwma;
  const loadOf = (endpoint: E): number => latencyOf(endpoint).load(endpoint.pending, nowMs);
  return {
    update(next) {
      endpoints = next;
      for (const endpoint of next) {
        if (!(endpoint.balancing instanceof PeakEwma))
          endpoint.balancing = new PeakEwma(decayMs, clock.now());
      }
    },
    pick() {
      nowMs = clock.now();
      return pickOfTwo(endpoints, maxEffort, loadOf, random, counts);
    },
    ended(endpoint, elapsedMs) {
      latencyOf(endpoint).observe(Math.max(leastMs, elapsedMs), clock.now());
    },
  };
}
