/** The series `loadbalancer/…` of a client: the size of its set, changes of it, and what its balancer counts. */
import type { BalancerCounts, Counter, Gauge, MetricsScope } from "../../../plugins/contract.ts";

/** The names of what balancers count; each series begins when there is something to count. */
const counted: readonly (readonly [count: keyof BalancerCounts, name: string])[] = [
  ["maxEffortExhausted", "max_effort_exhausted"],
  ["busyWeightClasses", "busy_weight_classes"],
  ["rebuilds", "rebuilds"],
];

/** See the file's comment. Gauges are added to, not set: during a reload an older client may write to the same ones. */
export class BalancerStats {
  readonly #scope: MetricsScope;
  readonly #counts: Readonly<BalancerCounts> | undefined;
  readonly #told: BalancerCounts = { maxEffortExhausted: 0, busyWeightClasses: 0, rebuilds: 0 };
  readonly #size: Gauge;
  readonly #available: Gauge;
  readonly #algorithm: Gauge;
  readonly #adds: Counter;
  readonly #removes: Counter;
  readonly #updates: Counter;
  #sizeNow = 0;
  #availableNow = 0;
  #onProbationNow = 0;
  #spilledNow = 0;

  constructor(scope: MetricsScope, algorithm: string, counts: Readonly<BalancerCounts> | undefined) {
    this.#scope = scope;
    this.#counts = counts;
    this.#size = scope.gauge("size");
    this.#available = scope.gauge("available");
    this.#adds = scope.counter("adds");
    this.#removes = scope.counter("removes");
    this.#updates = scope.counter("updates");
    this.#algorithm = scope.gauge(`algorithm/${algorithm}`);
    this.#algorithm.add(1);
  }

  added(): void {
    this.#adds.incr();
  }

  removed(): void {
    this.#removes.incr();
  }

  /** Discovery said something. */
  updated(): void {
    this.#updates.incr();
  }

  /** There are so many endpoints now, and so many of them on probation. */
  resized(size: number, onProbation: number): void {
    this.#size.add(size - this.#sizeNow);
    this.#sizeNow = size;
    if (onProbation === this.#onProbationNow) return;
    this.#scope.gauge("on_probation").add(onProbation - this.#onProbationNow);
    this.#onProbationNow = onProbation;
  }

  /** So much of the load, in percent, goes to other zones than the own. */
  spilled(percent: number): void {
    if (percent === this.#spilledNow) return;
    this.#scope.gauge("zone_spill_percent").add(percent - this.#spilledNow);
    this.#spilledNow = percent;
  }

  /** So many of them are open; takes over what the balancer has counted since the last time. */
  note(open: number): void {
    this.#available.add(open - this.#availableNow);
    this.#availableNow = open;
    if (this.#counts === undefined) return;
    for (const [count, name] of counted) {
      const more = this.#counts[count] - this.#told[count];
      if (more === 0) continue;
      this.#scope.counter(name).incr(more);
      this.#told[count] += more;
    }
  }

  /** Takes back what it added. */
  close(): void {
    this.resized(0, 0);
    this.spilled(0);
    this.note(0);
    this.#algorithm.add(-1);
  }
}
