/**
 * Names that are watched at a backend: what all namers that ask somebody have in common.
 *
 * However many observers a name has, one loop (`supervise.ts`) asks for it, and only while somebody observes. A round
 * that fails changes nothing once something is known; only the source itself, saying so, takes a name or an address
 * away. What is known outlives its observers, so that a name that comes back while the source is down is served.
 * Nothing here grows with what requests ask for: see `Limits`.
 */
import { Var } from "../../dtab/index.ts";
import type { NamerContext } from "../../plugins/contract.ts";
import { Budget } from "./budget.ts";
import { LastKnown } from "./last-known.ts";
import { type Ask, type Listener, NotASource, type Pace, supervise } from "./supervise.ts";
import { Trouble } from "./trouble.ts";
import { Turns } from "./turns.ts";
import { type Look, WatchedName } from "./watched-name.ts";

/** How much may happen at a time, by what is known of a name: unknown names never take the turns of known ones. */
export interface Limits {
  /** Rounds for names that have been found. */
  readonly found: number;
  /** First rounds. */
  readonly first: number;
  /** Rounds for names that the source does not know. */
  readonly absent: number;
  /** First rounds of names that nothing is remembered of. */
  readonly budget: { readonly perSecond: number; readonly burst: number };
  /** The least time between two rounds of a name that was found, and of one that was not. */
  readonly leastRoundMs: { readonly found: number; readonly absent: number };
}

/** What a namer says about its source. */
export interface DiscoveryOptions<V> {
  /** The source in messages, such as `Consul at localhost:8500`. */
  readonly source: string;
  readonly pace: Pace;
  readonly limits: Limits;
  /** From which age on a name is stale; undefined: never. */
  readonly staleAfterMs: number | undefined;
  /** What a name is when the first round of all fails: Linkerd 1's namers say that there is no such name. */
  readonly firstFailure: "absent" | "failed";
  readonly equals: (a: V, b: V) => boolean;
  /** What admin pages show of a value. */
  readonly show: (value: V) => unknown;
}

/** How often ages are told to the metrics. */
const tickMs = 5_000;
/** How long a name waits that found the budget empty. */
const budgetPauseMs = 1_000;
/** The state document holds so many names, found ones first. */
const maxShown = 1_000;

/** The watched names of one namer. */
export class Discovery<V, C = undefined> {
  readonly #options: DiscoveryOptions<V>;
  readonly #ctx: NamerContext;
  readonly #turns: Readonly<Record<"found" | "first" | "absent", Turns>>;
  readonly #budget: Budget;
  readonly #lastKnown: LastKnown<V>;
  readonly #trouble: Trouble;
  readonly #looks = new Map<string, Var<Look<V>>>();
  readonly #names = new Map<string, WatchedName<V>>();
  #ticker: AbortController | undefined;

  constructor(options: DiscoveryOptions<V>, ctx: NamerContext) {
    const { found, first, absent, budget } = options.limits;
    this.#options = options;
    this.#ctx = ctx;
    this.#turns = { found: new Turns(found), first: new Turns(first), absent: new Turns(absent) };
    this.#budget = new Budget(ctx.clock, budget);
    this.#lastKnown = new LastKnown(ctx.clock);
    this.#trouble = new Trouble(options.source, ctx.log, ctx.clock);
  }

  /** The name over time; `ask` gives undefined for one that the source does not know. */
  watch(name: string, ask: Ask<V | undefined, C>): Var<Look<V>> {
    return Var.from<Look<V>>(
      () => this.#looks.get(name)?.sample() ?? pending,
      (observer) => (this.#looks.get(name) ?? this.#open(name, ask)).observe(observer),
    );
  }

  /** The names that were found, as far as they are watched now. */
  found(): string[] {
    return [...this.#names.values()].filter(({ look }) => look.tag === "found").map(({ name }) => name);
  }

  /** The document of every name that is watched now. */
  state(): Record<string, unknown> {
    const names = [...this.#names.values()];
    const shown = [...names].sort((a, b) => rank(a.look) - rank(b.look) || (a.name < b.name ? -1 : 1));
    return {
      source: this.#options.source,
      watched: names.length,
      stale: names.filter(({ stale }) => stale).length,
      names: Object.fromEntries(shown.slice(0, maxShown).map((each) => [each.name, each.toJSON()])),
    };
  }

  #open(name: string, ask: Ask<V | undefined, C>): Var<Look<V>> {
    const look = Var.async<Look<V>>(
      pending,
      async (set, signal) => {
        const record = new WatchedName<V>(name, this.#ctx.clock, this.#options.show);
        this.#begin(record, signal);
        signal.addEventListener("abort", () => this.#end(record));
        await this.#run(record, ask, set, signal);
      },
      (a, b) => sameLook(a, b, this.#options.equals),
    );
    this.#looks.set(name, look);
    return look;
  }

  async #run(
    record: WatchedName<V>,
    ask: Ask<V | undefined, C>,
    set: (look: Look<V>) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { pace } = this.#options;
    if (record.answeredAt !== undefined) set(record.look);
    else await this.#afford(record, set, signal);
    await supervise(ask, pace, this.#listener(record, set), this.#ctx, signal);
  }

  /** Waits until the budget allows to ask for a name that nothing is known of. */
  async #afford(record: WatchedName<V>, set: (look: Look<V>) => void, signal: AbortSignal): Promise<void> {
    const { clock, random, metrics } = this.#ctx;
    while (!signal.aborted && !this.#budget.take()) {
      const message = `too many names at once that ${this.#options.source} has not been asked for yet`;
      metrics.counter("discovery_over_budget").incr();
      record.watch.fail(message);
      set({ tag: "failed", message });
      await clock.sleep(budgetPauseMs * (0.5 + random()), signal);
    }
  }

  #listener(record: WatchedName<V>, set: (look: Look<V>) => void): Listener<V | undefined> {
    const { source, limits, firstFailure } = this.#options;
    const { metrics } = this.#ctx;
    return {
      turns: () => this.#turns[turnOf(record)],
      leastRoundMs: () => limits.leastRoundMs[record.look.tag === "absent" ? "absent" : "found"],
      answered: (value) => {
        metrics.counter("discovery_rounds").incr();
        const look: Look<V> = value === undefined ? { tag: "absent" } : { tag: "found", value };
        record.answered(look);
        if (value !== undefined) this.#tellAge(record);
        else this.#forgetAge(record);
        this.#trouble.remove(record);
        set(look);
      },
      failed: (error) => {
        metrics.counter("discovery_failures").incr();
        record.watch.fail(error.message);
        const known = record.answeredAt !== undefined;
        this.#trouble.add(record, record.name, error, known);
        if (known) return;
        const fails = firstFailure === "failed" || error instanceof NotASource;
        record.look = fails ? { tag: "failed", message: `${source}: ${error.message}` } : { tag: "absent" };
        set(record.look);
      },
    };
  }

  #begin(record: WatchedName<V>, signal: AbortSignal): void {
    const known = this.#lastKnown.get(record.name);
    if (known !== undefined) {
      record.answeredAt = known.at;
      record.look = known.tag === "found" ? { tag: "found", value: known.value } : { tag: "absent" };
      if (known.tag === "found") this.#tellAge(record);
    }
    record.watch.start(signal);
    this.#names.set(record.name, record);
    this.#ctx.metrics.gauge("discovery_watched").set(this.#names.size);
    if (this.#ticker === undefined) void this.#tick((this.#ticker = new AbortController()).signal);
  }

  #end(record: WatchedName<V>): void {
    const { look, answeredAt: at, name } = record;
    this.#looks.delete(name);
    this.#names.delete(name);
    this.#ctx.metrics.gauge("discovery_watched").set(this.#names.size);
    this.#forgetAge(record);
    this.#trouble.remove(record);
    if (this.#names.size === 0) {
      this.#ticker?.abort();
      this.#ticker = undefined;
    }
    if (at === undefined) return;
    if (look.tag === "found") this.#lastKnown.put(name, { tag: "found", value: look.value, at });
    else if (look.tag === "absent") this.#lastKnown.put(name, { tag: "absent", at });
  }

  // === Age ===

  async #tick(signal: AbortSignal): Promise<void> {
    let told = 0;
    for (; !signal.aborted; await this.#ctx.clock.sleep(tickMs, signal)) {
      for (const record of this.#names.values()) if (record.age !== undefined) this.#tellAge(record);
      const stale = [...this.#names.values()].filter((record) => record.stale);
      this.#tellStale(stale, told);
      told = stale.length;
    }
  }

  /** One line when more names are stale than at the last look, and one when none is any more. */
  #tellStale(stale: readonly WatchedName<V>[], told: number): void {
    const { source } = this.#options;
    const [first] = stale;
    if (first === undefined) {
      if (told > 0) this.#ctx.log.info(`what is known from ${source} is fresh again`);
    } else if (stale.length > told) {
      this.#ctx.log.warn(`what is known of names is stale: ${source} has not confirmed it`, {
        names: stale.length,
        name: first.name,
        ageSeconds: Math.round(first.ageSeconds()),
        cause: first.watch.toJSON()["lastError"],
      });
    }
  }

  #tellAge(record: WatchedName<V>): void {
    const { staleAfterMs } = this.#options;
    record.age ??= this.#scope(record).gauge("discovery_age_seconds");
    const age = record.ageSeconds();
    record.age.set(age);
    const stale = staleAfterMs !== undefined && age * 1000 > staleAfterMs;
    if (stale !== record.stale) this.#ctx.metrics.gauge("discovery_stale_names").add(stale ? 1 : -1);
    record.stale = stale;
  }

  #forgetAge(record: WatchedName<V>): void {
    if (record.stale) this.#ctx.metrics.gauge("discovery_stale_names").add(-1);
    record.stale = false;
    if (record.age !== undefined) this.#scope(record).close();
    record.age = undefined;
  }

  #scope({ name }: WatchedName<V>) {
    return this.#ctx.metrics.scope("name", name);
  }
}

const pending: Look<never> = { tag: "pending" };

const turnOf = <V>({ look, answeredAt }: WatchedName<V>): "found" | "first" | "absent" =>
  answeredAt === undefined || look.tag === "pending" || look.tag === "failed" ? "first" : look.tag;

const order: readonly Look<unknown>["tag"][] = ["found", "failed", "pending", "absent"];
const rank = ({ tag }: Look<unknown>): number => order.indexOf(tag);

function sameLook<V>(a: Look<V>, b: Look<V>, equals: (a: V, b: V) => boolean): boolean {
  if (a === b) return true;
  if (a.tag === "found" && b.tag === "found") return equals(a.value, b.value);
  if (a.tag === "failed" && b.tag === "failed") return a.message === b.message;
  return a.tag === b.tag;
}
