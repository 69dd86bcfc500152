/**
 * Two balancers for a client whose set prefers a zone: one for the endpoints of that zone, one for the others, and the
 * load shared between them. Without a preference there is one, and a pick costs nothing more.
 */
import type {
  BalancedEndpoint,
  Balancer,
  BalancerCounts,
  BalancerFactory,
} from "../../../plugins/contract.ts";
import type { ZonePreference } from "../../../plugins/lib/zone-preference.ts";
import { ZoneShare } from "./zone-share.ts";

/** An endpoint with what its source says of it. */
export interface ZonedEndpoint extends BalancedEndpoint {
  readonly address: { readonly meta: Readonly<Record<string, string | number>> };
}

/** See the file's comment. */
export class ZoneBalancer<E extends ZonedEndpoint> implements Balancer<E> {
  readonly #factory: BalancerFactory;
  readonly #random: () => number;
  readonly #near: Balancer<E>;
  readonly counts: CountsOfBoth;
  #all: readonly E[] = [];
  #inZone: ReadonlySet<E> = new Set();
  /** Present with a preference. */
  #far: Balancer<E> | undefined;
  #preference: ZonePreference | undefined;
  #share: ZoneShare | undefined;
  #part = 1;

  constructor(factory: BalancerFactory, random: () => number) {
    this.#factory = factory;
    this.#random = random;
    this.#near = factory.create<E>();
    this.counts = new CountsOfBoth(this.#near);
  }

  /** Which zone comes first from now on; the set that follows is split by it. */
  prefer(preference: ZonePreference | undefined, nowMs: number): void {
    if (JSON.stringify(preference) === JSON.stringify(this.#preference)) return;
    this.#preference = preference;
    this.#share = preference && new ZoneShare(preference, nowMs);
    if (preference !== undefined) this.counts.far = this.#far ??= this.#factory.create<E>();
    this.update(this.#all);
  }

  update(endpoints: readonly E[]): void {
    this.#all = endpoints;
    const preference = this.#preference;
    if (preference === undefined) {
      this.#near.update(endpoints);
      this.#far?.update([]);
      this.#part = 1;
      return;
    }
    const { zone, key } = preference;
    const groups = Map.groupBy(endpoints, ({ address }) => String(address.meta[key]) === zone);
    const near = groups.get(true) ?? [];
    this.#inZone = new Set(near);
    this.#near.update(Object.freeze(near));
    this.#far?.update(Object.freeze(groups.get(false) ?? []));
    if (near.length === 0) this.#part = 0;
  }

  /** Looks how live the zone is, and shares the load accordingly; the part of the zone, undefined without a preference. */
  weigh(nowMs: number): number | undefined {
    if (this.#share === undefined) return undefined;
    let open = 0;
    for (const endpoint of this.#inZone) if (endpoint.status === "open") open++;
    this.#part = this.#share.of(open, this.#inZone.size, nowMs);
    return this.#part;
  }

  pick(): E | undefined {
    const far = this.#far;
    if (this.#share === undefined || far === undefined) return this.#near.pick();
    const nearFirst = this.#part === 1 || (this.#part > 0 && this.#random() < this.#part);
    const picked = (nearFirst ? this.#near : far).pick();
    if (picked?.status === "open") return picked;
    // What is open anywhere is better than what is not.
    const other = (nearFirst ? far : this.#near).pick();
    return picked === undefined || other?.status === "open" ? other : picked;
  }

  started(endpoint: E): void {
    this.#balancerOf(endpoint).started?.(endpoint);
  }

  ended(endpoint: E, elapsedMs: number): void {
    this.#balancerOf(endpoint).ended?.(endpoint, elapsedMs);
  }

  #balancerOf(endpoint: E): Balancer<E> {
    return this.#share === undefined || this.#inZone.has(endpoint) ? this.#near : this.#far!;
  }
}

/** What both have counted. */
class CountsOfBoth implements Readonly<BalancerCounts> {
  readonly #near: Pick<Balancer<never>, "counts">;
  far: Pick<Balancer<never>, "counts"> | undefined;

  constructor(near: Pick<Balancer<never>, "counts">) {
    this.#near = near;
  }

  get maxEffortExhausted(): number {
    return (this.#near.counts?.maxEffortExhausted ?? 0) + (this.far?.counts?.maxEffortExhausted ?? 0);
  }

  get busyWeightClasses(): number {
    return (this.#near.counts?.busyWeightClasses ?? 0) + (this.far?.counts?.busyWeightClasses ?? 0);
  }

  get rebuilds(): number {
    return (this.#near.counts?.rebuilds ?? 0) + (this.far?.counts?.rebuilds ?? 0);
  }
}
