/**
 * Names that are watched at a backend: what all namers that ask somebody have in common.
 *
 * However many observers a name has, one loop (`supervise.ts`) asks for it, and only while somebody observes. A round
 * that fails changes nothing once something is known; only the source itself, saying so, takes a name or an address
 * away. What is known outlives its observers, so that a name that comes back while the source is down is served.
 * Nothing here grows with what requests ask for: see `Limits`.
 */
import { isDeepStrictEqual } from "node:util";
import { type Path, Var } from "../../dtab/index.ts";
import type { KeptName, KnownName, NamerContext } from "../../plugins/contract.ts";
import { Ages } from "./ages.ts";
import { Budget } from "./budget.ts";
import { type CompleteOptions, completeOptions, type DiscoveryOptions } from "./discovery-options.ts";
import { LastKnown } from "./last-known.ts";
import { type Ask, type Listener, NotASource, supervise } from "./supervise.ts";
import { Trouble } from "./trouble.ts";
import { Turns } from "./turns.ts";
import { type Look, WatchedName } from "./watched-name.ts";

/** How long a name waits that found the budget empty. */
const budgetPauseMs = 1_000;
/** The state document holds so many names, found ones first. */
const maxShown = 1_000;

/** The watched names of one namer. */
export class Discovery<V, C = undefined> {
  readonly #options: CompleteOptions<V>;
  readonly #ctx: NamerContext;
  readonly #turns: Readonly<Record<"found" | "first" | "absent", Turns>>;
  readonly #budget: Budget;
  readonly #lastKnown: LastKnown<V>;
  readonly #trouble: Trouble;
  readonly #ages: Ages<WatchedName<V>>;
  readonly #looks = new Map<string, Var<Look<V>>>();
  readonly #names = new Map<string, WatchedName<V>>();

  constructor(options: DiscoveryOptions<V>, ctx: NamerContext) {
    this.#options = completeOptions(options);
    const { found, first, absent, budget } = this.#options.limits;
    this.#ctx = ctx;
    this.#turns = { found: new Turns(found), first: new Turns(first), absent: new Turns(absent) };
    this.#budget = new Budget(ctx.clock, budget);
    const { source, show } = options;
    this.#lastKnown = new LastKnown({ source, show, watched: () => this.#known() }, ctx);
    this.#trouble = new Trouble(source, ctx.log, ctx.clock);
    this.#ages = new Ages(source, options, ctx);
  }

  /** The name over time; `ask` gives undefined for one that the source does not know. */
  watch(name: string, ask: Ask<V | undefined, C>): Var<Look<V>> {
    return Var.from<Look<V>>(
      () => this.#looks.get(name)?.sample() ?? pending,
      (observer) => (this.#looks.get(name) ?? this.#open(name, ask)).observe(observer),
    );
  }

  /** The names that were found, as far as they are watched now; one without a path is left out. */
  found(pathOf: (name: string) => Path | undefined): KnownName[] {
    const { source } = this.#options;
    return [...this.#names.values()].flatMap((record) => {
      const name = record.look.tag === "found" ? pathOf(record.name) : undefined;
      if (name === undefined) return [];
      return [{ name, source, ageSeconds: record.ageSeconds(), stale: record.stale }];
    });
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
        const { show, panicThreshold } = this.#options;
        const record = new WatchedName<V>(name, this.#ctx.clock, show, panicThreshold, set);
        this.#begin(record, signal);
        signal.addEventListener("abort", () => this.#end(record));
        await this.#run(record, ask, signal);
      },
      sameLook,
    );
    this.#looks.set(name, look);
    return look;
  }

  async #run(record: WatchedName<V>, ask: Ask<V | undefined, C>, signal: AbortSignal): Promise<void> {
    if (record.answeredAt === undefined) await this.#afford(record, signal);
    await supervise(ask, this.#options.pace, this.#listener(record), this.#ctx, signal);
  }

  /** Waits until the budget allows to ask for a name that nothing is known of. */
  async #afford(record: WatchedName<V>, signal: AbortSignal): Promise<void> {
    const { clock, random, metrics } = this.#ctx;
    while (!signal.aborted && !this.#budget.take()) {
      const message = `too many names at once that ${this.#options.source} has not been asked for yet`;
      metrics.counter("discovery_over_budget").incr();
      record.failed({ tag: "failed", message });
      await clock.sleep(budgetPauseMs * (0.5 + random()), signal);
    }
  }

  #listener(record: WatchedName<V>): Listener<V | undefined> {
    const { source, limits, firstFailure } = this.#options;
    const { metrics } = this.#ctx;
    return {
      turns: () => this.#turns[turnOf(record)],
      leastRoundMs: () => limits.leastRoundMs[record.look.tag === "absent" ? "absent" : "found"],
      answered: (value) => {
        metrics.counter("discovery_rounds").incr();
        this.#trouble.remove(record);
        const confirmMs = this.#doubt(record, value);
        if (confirmMs !== undefined) return confirmMs;
        const before = record.look;
        record.answered(value === undefined ? { tag: "absent" } : { tag: "found", value });
        this.#ages.tell(record);
        const wasOrIs = before.tag === "found" || value !== undefined;
        if (wasOrIs && !sameLook(before, record.look)) this.#lastKnown.outdated(record.name);
        return undefined;
      },
      failed: (error) => {
        metrics.counter("discovery_failures").incr();
        const known = record.answeredAt !== undefined;
        this.#trouble.add(record, record.name, error, known);
        const fails = firstFailure === "failed" || error instanceof NotASource;
        const { message } = error;
        record.failed(
          fails ? { tag: "failed", message: `${source}: ${message}` } : { tag: "absent" },
          message,
        );
      },
    };
  }

  /** After how many ms to ask again, where an answer takes too much away to be believed at once. */
  #doubt(record: WatchedName<V>, value: V | undefined): number | undefined {
    const { source, sizeOf } = this.#options;
    const { look, loss } = record;
    if (sizeOf === undefined || look.tag !== "found") return undefined;
    const known = loss.held;
    const inUse = sizeOf(look.value);
    const confirmMs = loss.doubt(inUse, value === undefined ? 0 : sizeOf(value));
    const { log, metrics } = this.#ctx;
    const { held } = loss;
    if (held !== undefined && known === undefined) {
      metrics.counter("discovery_held").incr();
      const what = "most addresses of a name are gone all at once; they stay until it has been said again";
      log.warn(what, { source, name: record.name, inUse, left: held.left });
    } else if (held === undefined && known !== undefined) {
      const { name } = record;
      const left = value === undefined ? 0 : sizeOf(value);
      if (known.left < left) log.info("the addresses of a name are back", { source, name, inUse, now: left });
      else log.warn("most addresses of a name are gone indeed", { source, name, before: inUse, left });
    }
    return confirmMs;
  }

  #begin(record: WatchedName<V>, signal: AbortSignal): void {
    const known = this.#lastKnown.get(record.name);
    if (known !== undefined) record.remember(known);
    record.watch.start(signal);
    this.#names.set(record.name, record);
    this.#ctx.metrics.gauge("discovery_watched").set(this.#names.size);
    this.#ages.add(record);
  }

  #end(record: WatchedName<V>): void {
    const { look, answeredAt: at, name } = record;
    this.#looks.delete(name);
    this.#names.delete(name);
    this.#ctx.metrics.gauge("discovery_watched").set(this.#names.size);
    this.#ages.remove(record);
    this.#trouble.remove(record);
    if (at === undefined) return;
    if (look.tag === "found") this.#lastKnown.found(name, look.value, at, record.restored);
    else if (look.tag === "absent") this.#lastKnown.absent(name, at);
  }

  /** What is watched and was found, as it is kept. */
  *#known(): Generator<KeptName> {
    for (const { name, look, answeredAt } of this.#names.values()) {
      if (look.tag === "found" && answeredAt !== undefined) yield { name, value: look.value, at: answeredAt };
    }
  }
}

const pending: Look<never> = { tag: "pending" };

const turnOf = <V>({ look, answeredAt }: WatchedName<V>): "found" | "first" | "absent" =>
  answeredAt === undefined || look.tag === "pending" || look.tag === "failed" ? "first" : look.tag;

const order: readonly Look<unknown>["tag"][] = ["found", "failed", "pending", "absent"];
const rank = ({ tag }: Look<unknown>): number => order.indexOf(tag);

function sameLook<V>(a: Look<V>, b: Look<V>): boolean {
  if (a === b) return true;
  if (a.tag === "found" && b.tag === "found")
    return a.distrusted === b.distrusted && isDeepStrictEqual(a.value, b.value);
  if (a.tag === "failed" && b.tag === "failed") return a.message === b.message;
  return a.tag === b.tag;
}
