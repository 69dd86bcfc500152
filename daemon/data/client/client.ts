/**
 * A client: the endpoints that one bound id stands for. It follows discovery's set, keeping every endpoint that stays
 * with its connections and state, and picks one for each attempt.
 */
import type { Addr, Address, HostAddress } from "../../../dtab/index.ts";
import type { MetricsScope, Stat } from "../../../plugins/contract.ts";
import { ProxyError } from "../../../plugins/errors.ts";
import { zonePreferenceOf } from "../../../plugins/lib/zone-preference.ts";
import type { CacheEntry } from "../idle-cache.ts";
import { nowhere } from "../roster.ts";
import { ConnectionStats, RequestStats, StatusStats, TlsStats } from "../stats.ts";
import type { Sweepable, Sweeper } from "../sweeper.ts";
import type { WorkerShare } from "../worker-share.ts";
import { type AccrualCounters, AccrualState } from "./accrual-state.ts";
import { BalancerStats } from "./balancer-stats.ts";
import type { ClientSettings } from "./client-settings.ts";
import { DiscoveryTrust } from "./discovery-trust.ts";
import { Endpoint, type EndpointContext } from "./endpoint.ts";
import { EndpointSet } from "./endpoint-set.ts";
import { FailFast, type FailFastCounters } from "./fail-fast.ts";
import { createHealthChecker } from "./health/health-checker.ts";
import { NackAdmission } from "./nack-admission.ts";
import { RequeueBudget } from "./requeue-budget.ts";
import { ZoneBalancer } from "./zone-balancer.ts";

/** What an attempt may be given: an endpoint, an answer made in process, or the reason why there is neither. */
export type Pick = Endpoint | { readonly status: number } | ProxyError;

/** One bound id of a router; see the file's comment. */
export class Client implements CacheEntry, EndpointContext, Sweepable {
  // First what every request needs: a client among hundreds is in no cache, so the fewer lines of memory hold it the better.
  readonly settings: ClientSettings;
  readonly requests: RequestStats;
  readonly statuses: StatusStats;
  readonly requeues: RequeueBudget;
  readonly nacks: NackAdmission;
  nowMs = 0;
  inUse = 0;
  usedAt = 0;
  evicted = false;
  /** Whether a pick must wait for discovery's first word. */
  pending = true;
  readonly #balancer: ZoneBalancer<Endpoint>;
  /** The service that was asked for last: most clients have one. */
  #lastService: string | undefined = undefined;
  #lastServed: RequestStats | undefined = undefined;
  #waiters: Set<{ attempt(): void }> | undefined = undefined;

  readonly id: string;
  readonly stats: ConnectionStats;
  readonly share: WorkerShare;
  readonly secure: EndpointContext["secure"];
  place = nowhere;
  /** Facts about the whole set, e.g. `authority`. */
  meta: Readonly<Record<string, string | number>> = {};

  readonly #scope: MetricsScope;
  readonly #sweeper: Sweeper;
  readonly #onClose: (client: Client) => void;
  readonly #trust: DiscoveryTrust;
  readonly #endpoints: EndpointSet;
  readonly #served = new Map<string, RequestStats>();
  readonly #connectLatency: Stat;
  #failedConnectLatency: Stat | undefined;
  readonly #balancing: BalancerStats;
  #status: number | undefined;
  #state: Addr = { tag: "pending" };

  constructor(
    id: string,
    settings: ClientSettings,
    scope: MetricsScope,
    sweeper: Sweeper,
    share: WorkerShare,
    onClose: (client: Client) => void,
  ) {
    this.id = id;
    this.settings = settings;
    this.#scope = scope;
    this.#sweeper = sweeper;
    this.share = share;
    this.#onClose = onClose;
    this.requests = new RequestStats(scope);
    this.statuses = new StatusStats(scope);
    this.stats = new ConnectionStats(scope);
    this.secure = settings.secure?.(new TlsStats(scope));
    this.#connectLatency = scope.stat("connect_latency_ms");
    const accrual = scope.scope("failure_accrual");
    const accrualCounters: AccrualCounters = {
      removals: accrual.counter("removals"),
      revivals: accrual.counter("revivals"),
      probes: accrual.counter("probes"),
      removedForMs: accrual.counter("removed_for_ms"),
    };
    const failFastCounters = settings.failFast ? failFastCountersOf(scope.scope("failfast")) : undefined;
    this.nacks = new NackAdmission(settings.random, scope.scope("nack_admission_control"));
    this.requeues = new RequeueBudget(settings.requeueBudget, scope.scope("retries"));
    this.#balancer = new ZoneBalancer(settings.balancer, settings.random);
    this.#balancing = new BalancerStats(
      scope.scope("loadbalancer"),
      settings.balancer.algorithm,
      this.#balancer.counts,
    );
    this.#trust = new DiscoveryTrust(settings.trustDiscovery);
    this.#endpoints = new EndpointSet({
      create: (address) =>
        new Endpoint(
          address,
          this,
          new AccrualState(settings.accrual.create(), accrualCounters),
          failFastCounters && new FailFast(failFastCounters),
        ),
      changed: (endpoints) => this.#balancer.update(endpoints),
      trust: this.#trust,
      checker:
        settings.healthCheck && createHealthChecker(settings.healthCheck, settings.secure, sweeper, scope),
      sweeper,
      stats: this.#balancing,
    });
    sweeper.add(this);
  }

  /** The state of its addresses. */
  get state(): Addr {
    return this.#state;
  }

  /** `host:port` of every endpoint, for messages. */
  get addresses(): readonly string[] {
    return [...this.#endpoints.values()].map((endpoint) => endpoint.name);
  }

  /** The stats of one service on this client, `client/<id>/service/<name>`. */
  service(name: string): RequestStats {
    if (this.#lastServed !== undefined && this.#lastService === name) return this.#lastServed;
    let stats = this.#served.get(name);
    if (stats === undefined) {
      stats = new RequestStats(this.#scope.scope("service", name));
      this.#served.set(name, stats);
    }
    this.#lastService = name;
    this.#lastServed = stats;
    return stats;
  }

  /** A service has ended; so do its series here, unless another router has the same. */
  forgetService(name: string, alone: boolean): void {
    this.#lastServed = undefined;
    if (this.#served.delete(name) && alone) this.#scope.scope("service", name).close();
  }

  /** The request tries again once there are addresses, or none. */
  await(request: { attempt(): void }): void {
    (this.#waiters ??= new Set()).add(request);
  }

  /** The request waits no more. */
  forget(request: { attempt(): void }): void {
    this.#waiters?.delete(request);
  }

  /** Whether discovery's word that it is gone may be wrong: it has endpoints that may outlive it. */
  isDoubted(nowMs: number): boolean {
    return this.#endpoints.size > 0 && this.#trust.doubts(nowMs);
  }

  /** Whether discovery has dropped all endpoints, and some still answer. */
  get isAllOnProbation(): boolean {
    return this.#endpoints.isAllOnProbation;
  }

  /** How many endpoints there are. */
  get size(): number {
    return this.#endpoints.size;
  }

  /** The endpoints, those on probation included. */
  get endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }

  /** Whether any endpoint may be picked. */
  hasOpen(nowMs: number): boolean {
    this.nowMs = nowMs;
    for (const endpoint of this.#endpoints.values()) if (endpoint.status === "open") return true;
    return false;
  }

  /** Picks for one attempt, another endpoint than the one that just failed if there is one. */
  pick(nowMs: number, failed: Endpoint | undefined): Pick {
    this.nowMs = nowMs;
    let endpoint = this.#balancer.pick();
    if (failed !== undefined)
      for (let tries = 0; endpoint === failed && tries < 3; tries++) endpoint = this.#balancer.pick();
    if (endpoint !== undefined) return endpoint;
    if (this.#status !== undefined) return { status: this.#status };
    if (this.#state.tag === "failed") return new ProxyError("E_BIND_FAILED", this.#state.message);
    return new ProxyError("E_NO_ENDPOINTS", `${this.id} is bound and has no endpoints`);
  }

  /** An attempt begins on an endpoint. */
  began(endpoint: Endpoint): void {
    endpoint.pending++;
    endpoint.accrual.started(this.nowMs);
    this.#balancer.started(endpoint);
  }

  /** It has ended; `outcome` is undefined if nobody can say how, as when the caller left. */
  ended(endpoint: Endpoint, elapsedMs: number, nowMs: number, outcome: boolean | undefined): void {
    endpoint.pending--;
    this.#balancer.ended(endpoint, elapsedMs);
    if (outcome === undefined) endpoint.accrual.ignored();
    else if (outcome) endpoint.accrual.success(nowMs);
    else endpoint.accrual.failure(nowMs);
    if (!endpoint.onProbation || outcome !== false) return;
    this.nowMs = nowMs;
    this.#endpoints.sweep(nowMs);
  }

  /** Discovery's word. After a first set only another set, or its end, changes anything: stale beats none. */
  update(addr: Addr): void {
    const known = this.#state.tag === "bound" || this.#state.tag === "neg";
    if (known && (addr.tag === "pending" || addr.tag === "failed")) return;
    this.#state = addr;
    this.pending = addr.tag === "pending";
    if (addr.tag === "pending") return;
    this.#balancing.updated();
    if (addr.tag === "bound") this.meta = addr.meta;
    this.#balancer.prefer(zonePreferenceOf(this.meta), performance.now());
    this.nowMs = performance.now();
    this.#trust.hear(addr, this.nowMs);
    const addresses = addr.tag === "bound" ? addr.addresses : [];
    this.#status = addresses.findLast(({ status }) => status !== undefined)?.status;
    this.#endpoints.replace(addresses.filter(isHost), this.nowMs);
    this.#balancer.weigh(this.nowMs);
    const waiters = this.#waiters;
    this.#waiters = undefined;
    for (const waiter of waiters ?? []) waiter.attempt();
  }

  connected(elapsedMs: number): void {
    this.#connectLatency.record(elapsedMs);
  }

  connectFailed(elapsedMs: number): void {
    this.#failedConnectLatency ??= this.#scope.stat("failed_connect_latency_ms");
    this.#failedConnectLatency.record(elapsedMs);
  }

  sweep(nowMs: number): void {
    this.nowMs = nowMs;
    this.#endpoints.sweep(nowMs);
    let open = 0;
    for (const endpoint of this.#endpoints.values()) if (endpoint.status === "open") open++;
    this.#balancing.note(open);
    this.requeues.sweep(nowMs);
    const zonePart = this.#balancer.weigh(nowMs);
    if (zonePart !== undefined) this.#balancing.spilled(Math.round(100 * (1 - zonePart)));
  }

  /** Ends all its connections and series. */
  close(): void {
    this.#endpoints.close();
    this.#sweeper.remove(this);
    this.#balancing.close();
    this.#scope.close();
    this.#onClose(this);
  }
}

const isHost = (address: Address): address is HostAddress => address.status === undefined;

const failFastCountersOf = (scope: MetricsScope): FailFastCounters => ({
  markedDead: scope.counter("marked_dead"),
  markedAvailable: scope.counter("marked_available"),
});
