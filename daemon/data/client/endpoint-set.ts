/**
 * The endpoints of a client, as discovery's set changes: one that stays keeps its connections and state, one that is
 * gone ends with its requests. Where discovery is doubted, one that it drops is on probation: it stays until it does not
 * answer either.
 */
import type { HostAddress } from "../../../dtab/index.ts";
import type { Sweeper } from "../sweeper.ts";
import { addressIdentity } from "./address-identity.ts";
import type { BalancerStats } from "./balancer-stats.ts";
import type { DiscoveryTrust } from "./discovery-trust.ts";
import type { Endpoint } from "./endpoint.ts";
import type { HealthChecker } from "./health/health-checker.ts";

/** What a set stands on. */
export interface EndpointSetParts {
  readonly create: (address: HostAddress) => Endpoint;
  /** Hears of each new set. */
  readonly changed: (endpoints: readonly Endpoint[]) => void;
  readonly trust: DiscoveryTrust;
  readonly checker: HealthChecker | undefined;
  readonly sweeper: Sweeper;
  readonly stats: Pick<BalancerStats, "added" | "removed" | "resized">;
}

/** So many endpoints may be on probation, or as many as discovery has. */
const leastProbation = 100;

/** See the file's comment. */
export class EndpointSet {
  readonly #parts: EndpointSetParts;
  readonly #all = new Map<string, Endpoint>();
  /** Gone, with requests in flight. */
  readonly #leaving = new Set<Endpoint>();
  #onProbation = 0;
  #isFirst = true;

  constructor(parts: EndpointSetParts) {
    this.#parts = parts;
  }

  /** How many there are. */
  get size(): number {
    return this.#all.size;
  }

  /** All of them. */
  values(): Iterable<Endpoint> {
    return this.#all.values();
  }

  /** Whether there are only endpoints that discovery has dropped. */
  get isAllOnProbation(): boolean {
    return this.#onProbation > 0 && this.#onProbation === this.#all.size;
  }

  /** Discovery's word. */
  replace(addresses: readonly HostAddress[], nowMs: number): void {
    const next = new Map<string, Endpoint>();
    for (const address of addresses) {
      const key = addressIdentity(address);
      let endpoint = this.#all.get(key);
      if (endpoint === undefined) endpoint = this.#add(address, nowMs);
      else endpoint.weigh(address);
      endpoint.onProbation = false;
      next.set(key, endpoint);
    }
    if (next.size > 0) this.#isFirst = false;
    if (this.#parts.trust.doubts(nowMs)) this.#keep(next);
    this.#publish(next);
  }

  /** Lets those on probation go that do not answer either, or about which discovery is believed by now. */
  sweep(nowMs: number): void {
    if (this.#onProbation === 0) return;
    const doubts = this.#parts.trust.doubts(nowMs);
    const next = new Map([...this.#all].filter(([, each]) => !each.onProbation || (doubts && each.answers)));
    if (next.size < this.#all.size) this.#publish(next);
  }

  /** Ends every endpoint. */
  close(): void {
    this.#publish(new Map());
    for (const endpoint of this.#leaving) this.#parts.sweeper.remove(endpoint);
  }

  #add(address: HostAddress, nowMs: number): Endpoint {
    const { create, checker, sweeper, stats } = this.#parts;
    const endpoint = create(address);
    checker?.add(endpoint, this.#isFirst, nowMs);
    sweeper.add(endpoint);
    stats.added();
    return endpoint;
  }

  /** Puts endpoints that answer beside those that discovery has. */
  #keep(next: Map<string, Endpoint>): void {
    const names = new Set([...next.values()].map(({ name }) => name));
    let room = Math.max(leastProbation, next.size);
    // Those that are on probation already stand last, so that the oldest goes where there is no room.
    for (const [key, endpoint] of this.#all) {
      if (next.has(key) || names.has(endpoint.name) || room === 0 || !endpoint.answers) continue;
      endpoint.onProbation = true;
      next.set(key, endpoint);
      room--;
    }
  }

  #publish(next: ReadonlyMap<string, Endpoint>): void {
    const { changed, stats } = this.#parts;
    const gone = [...this.#all].filter(([key]) => !next.has(key));
    this.#all.clear();
    this.#onProbation = 0;
    for (const [key, endpoint] of next) {
      this.#all.set(key, endpoint);
      if (endpoint.onProbation) this.#onProbation++;
    }
    stats.resized(this.#all.size, this.#onProbation);
    changed(Object.freeze([...this.#all.values()]));
    // Last of all: who waits for one of them goes elsewhere at once, to those that are there now.
    for (const [, endpoint] of gone) {
      stats.removed();
      this.#leave(endpoint);
    }
  }

  // Its connections end with their requests; until then their time limits hold.
  #leave(endpoint: Endpoint): void {
    const { checker, sweeper } = this.#parts;
    checker?.remove(endpoint);
    endpoint.onProbation = false;
    endpoint.close();
    if (endpoint.quiet) sweeper.remove(endpoint);
    else this.#leaving.add(endpoint);
    for (const left of this.#leaving) {
      if (!left.quiet) continue;
      this.#leaving.delete(left);
      sweeper.remove(left);
    }
  }
}
