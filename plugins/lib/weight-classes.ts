/**
 * Weights: endpoints of one weight form a class with its own balancer, and a class is chosen with a chance in
 * proportion to weight × size. With one class, which is the usual case, nothing is added to a pick.
 */
import type { BalancedEndpoint, Balancer, BalancerCounts } from "../contract.ts";

/** Balances endpoints that weigh the same. */
export interface EqualBalancer<E extends BalancedEndpoint> {
  /** A new set, in the order of discovery; endpoints that stay are the same objects. */
  update(endpoints: readonly E[]): void;
  /** Undefined only if the set is empty. */
  pick(): E | undefined;
  started?(endpoint: E): void;
  ended?(endpoint: E, elapsedMs: number): void;
}

interface WeightClass<E extends BalancedEndpoint> {
  readonly weight: number;
  readonly balancer: EqualBalancer<E>;
  endpoints: readonly E[];
  /** weight × size of this class and all before it, as a part of all. */
  upTo: number;
}

const createCounts = (): BalancerCounts => ({
  maxEffortExhausted: 0,
  busyWeightClasses: 0,
  rebuilds: 0,
});

/** Makes the balancer of one class, which counts there. */
export type CreateEqual = <E extends BalancedEndpoint>(counts: BalancerCounts) => EqualBalancer<E>;

/** A balancer for endpoints of any weight. */
export class WeightedBalancer<E extends BalancedEndpoint> implements Balancer<E> {
  readonly counts = createCounts();
  readonly #create: CreateEqual;
  readonly #random: () => number;
  #classes: readonly WeightClass<E>[] = [];

  constructor(create: CreateEqual, random: () => number) {
    this.#create = create;
    this.#random = random;
  }

  update(endpoints: readonly E[]): void {
    this.#classes = regroup(endpoints, this.#classes, () => this.#create<E>(this.counts));
  }

  pick(): E | undefined {
    const classes = this.#classes;
    if (classes.length === 1) return classes[0]!.balancer.pick();
    return classes.length === 0 ? undefined : this.#pickClass().balancer.pick();
  }

  #pickClass(): WeightClass<E> {
    const classes = this.#classes;
    const chance = this.#random();
    let at = 0;
    while (at < classes.length - 1 && classes[at]!.upTo <= chance) at++;
    if (isOpen(classes[at]!)) return classes[at]!;
    for (let next = at + 1; next < at + classes.length; next++) {
      const other = classes[next % classes.length]!;
      if (isOpen(other)) {
        this.counts.busyWeightClasses++;
        return other;
      }
    }
    return classes[at]!;
  }

  protected classOf(endpoint: E): EqualBalancer<E> | undefined {
    const classes = this.#classes;
    for (let at = 0; at < classes.length; at++) {
      if (classes[at]!.weight === endpoint.weight) return classes[at]!.balancer;
    }
    return undefined;
  }
}

/** One whose classes are told of every request's start and end. */
export class FollowingBalancer<E extends BalancedEndpoint> extends WeightedBalancer<E> {
  started(endpoint: E): void {
    this.classOf(endpoint)?.started?.(endpoint);
  }

  ended(endpoint: E, elapsedMs: number): void {
    this.classOf(endpoint)?.ended?.(endpoint, elapsedMs);
  }
}

/** Sorts endpoints into classes in order of weight; a class that stays keeps its balancer. */
function regroup<E extends BalancedEndpoint>(
  endpoints: readonly E[],
  before: readonly WeightClass<E>[],
  create: () => EqualBalancer<E>,
): readonly WeightClass<E>[] {
  const groups = Map.groupBy(endpoints, (endpoint) => endpoint.weight);
  const total = sumOf(endpoints, (endpoint) => endpoint.weight);
  let passed = 0;
  return [...groups.keys()]
    .sort((a, b) => a - b)
    .map((weight) => {
      const members = groups.get(weight)!;
      passed += weight * members.length;
      const balancer = before.find((each) => each.weight === weight)?.balancer ?? create();
      balancer.update(members);
      // All weights 0 leaves no proportion: then each class gets its share of endpoints.
      return {
        weight,
        balancer,
        endpoints: members,
        upTo: total === 0 ? members.length / endpoints.length : passed / total,
      };
    });
}

const sumOf = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((sum, item) => sum + value(item), 0);

/** A class is as good as its best endpoint; nearly always that is the first one looked at. */
function isOpen<E extends BalancedEndpoint>(group: WeightClass<E>): boolean {
  const { endpoints } = group;
  for (let at = 0; at < endpoints.length; at++) {
    if (endpoints[at]!.status === "open") return true;
  }
  return false;
}
