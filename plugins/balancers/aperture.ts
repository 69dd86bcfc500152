/** `aperture`: least loaded among a few endpoints, as many as the load needs. */
import { Type } from "../../config/type.ts";
import { type BalancedEndpoint, type BalancerCounts, definePlugin, type PluginContext } from "../contract.ts";
import { Ema } from "../lib/ema.ts";
import { pickOnce, pickOpen } from "../lib/two-choices.ts";
import { type CreateEqual, type EqualBalancer, FollowingBalancer } from "../lib/weight-classes.ts";

const schema = Type.Object({
  maxEffort: Type.Integer({ minimum: 1, default: 5, description: "Picks before the order is made anew." }),
  smoothWindowMs: Type.Integer({
    minimum: 0,
    default: 5000,
    description: "Window over which load is averaged.",
  }),
  lowLoad: Type.Number({
    minimum: 0,
    default: 0.5,
    description: "Requests per endpoint at which it narrows.",
  }),
  highLoad: Type.Number({
    minimum: 0,
    default: 2.0,
    description: "Requests per endpoint at which it widens.",
  }),
  minAperture: Type.Integer({ minimum: 1, default: 1, description: "Least number of endpoints in use." }),
});

/** How an aperture widens and narrows. */
export interface ApertureOptions {
  readonly maxEffort: number;
  readonly smoothWindowMs: number;
  readonly lowLoad: number;
  readonly highLoad: number;
  readonly minAperture: number;
}

/** Where an endpoint stands in this process's order: different in each, so that all endpoints get work. */
class Token {
  readonly order: number;
  constructor(order: number) {
    this.order = order;
  }
}

export default definePlugin({
  slot: "balancer",
  kind: "aperture",
  schema,
  create: (options, context) => {
    const createEqual: CreateEqual = (counts) => createAperture(options, context, counts);
    return {
      algorithm: "aperture_least_loaded",
      create: () => new FollowingBalancer(createEqual, context.random),
    };
  },
});

const statusOrder = { open: 0, busy: 1, closed: 2 } as const;
const pendingOf = (endpoint: BalancedEndpoint): number => endpoint.pending;
const orderOf = (endpoint: BalancedEndpoint): number => (endpoint.balancing as Token).order;

function createAperture<E extends BalancedEndpoint>(
  { maxEffort, smoothWindowMs, lowLoad, highLoad, minAperture }: ApertureOptions,
  { clock, random }: PluginContext,
  counts: BalancerCounts,
): EqualBalancer<E> {
  const offered = new Ema(smoothWindowMs);
  let ordered: readonly E[] = [];
  let inFlight = 0;
  let aperture = minAperture;

  const limit = (size: number): number =>
    Math.max(Math.min(minAperture, ordered.length), Math.min(size, ordered.length));

  function rebuild(endpoints: readonly E[]): void {
    ordered = endpoints.toSorted(
      (a, b) => statusOrder[a.status] - statusOrder[b.status] || orderOf(a) - orderOf(b),
    );
    aperture = limit(minAperture);
  }

  function adjust(change: number): void {
    inFlight += change;
    const load = offered.update(clock.now(), inFlight) / Math.max(1, aperture);
    if (load >= highLoad) aperture = limit(aperture + 1);
    else if (load <= lowLoad) aperture = limit(aperture - 1);
  }

  return {
    update(endpoints) {
      for (const endpoint of endpoints) {
        if (!(endpoint.balancing instanceof Token)) endpoint.balancing = new Token(random());
      }
      // Counted anew, for endpoints may have come from or gone to another weight class with requests in flight.
      inFlight = endpoints.reduce((sum, endpoint) => sum + endpoint.pending, 0);
      rebuild(endpoints);
    },
    pick() {
      if (ordered.length === 0) return undefined;
      const open = pickOpen(ordered, aperture, maxEffort, pendingOf, random);
      if (open !== undefined) return open;
      counts.maxEffortExhausted++;
      counts.rebuilds++;
      rebuild(ordered);
      return pickOnce(ordered, aperture, pendingOf, random);
    },
    started() {
      adjust(1);
    },
    ended() {
      adjust(-1);
    },
  };
}
