/**
 * How old is what is known of names: as metrics, and as the two steps of the budget. Past the first a name is stale:
 * told and counted. Past the second it is distrusted: its clients check discovery's word against what answers.
 */
import type { Clock, Gauge, Logger, MetricsScope } from "../../plugins/contract.ts";

/** A name whose age counts. */
export interface Aged {
  /** As metrics call it. */
  readonly name: string;
  /** When the source last confirmed what is known; undefined unless it was found. */
  readonly confirmedAt: number | undefined;
  /** What the source did last instead. */
  readonly lastError: string | undefined;
  /** Written by `Ages`. */
  stale: boolean;
  /** Hears of each change. */
  distrust(distrusted: boolean): void;
}

/** The two steps; undefined: never. */
export interface AgeBudget {
  readonly staleAfterMs: number | undefined;
  readonly distrustAfterMs?: number | undefined;
}

/** How often ages are told to the metrics. */
const tickMs = 5_000;

interface Entry {
  gauge: Gauge | undefined;
  distrusted: boolean;
}

/** The ages of the names of one source. */
export class Ages<N extends Aged> {
  readonly #source: string;
  readonly #budget: AgeBudget;
  readonly #ctx: { readonly clock: Clock; readonly log: Logger; readonly metrics: MetricsScope };
  readonly #names = new Map<N, Entry>();
  #ticker: AbortController | undefined;
  #told = { stale: 0, distrusted: 0 };

  constructor(
    source: string,
    budget: AgeBudget,
    ctx: { readonly clock: Clock; readonly log: Logger; readonly metrics: MetricsScope },
  ) {
    this.#source = source;
    this.#budget = budget;
    this.#ctx = ctx;
  }

  /** The name is watched from now on. */
  add(name: N): void {
    this.#names.set(name, { gauge: undefined, distrusted: false });
    this.tell(name);
    if (this.#ticker === undefined) void this.#tick((this.#ticker = new AbortController()).signal);
  }

  /** Nobody watches it any more. */
  remove(name: N): void {
    const entry = this.#names.get(name);
    if (entry === undefined) return;
    this.#judge(name, entry, undefined);
    this.#names.delete(name);
    if (entry.gauge !== undefined) this.#scope(name).close();
    if (this.#names.size > 0) return;
    this.#ticker?.abort();
    this.#ticker = undefined;
    this.#told = { stale: 0, distrusted: 0 };
  }

  /** What is known of it changed, or was confirmed. */
  tell(name: N): void {
    const entry = this.#names.get(name);
    if (entry === undefined) return;
    const { confirmedAt } = name;
    const ageMs = confirmedAt === undefined ? undefined : Math.max(0, this.#ctx.clock.now() - confirmedAt);
    if (ageMs !== undefined) {
      entry.gauge ??= this.#scope(name).gauge("discovery_age_seconds");
      entry.gauge.set(ageMs / 1000);
    } else if (entry.gauge !== undefined) {
      this.#scope(name).close();
      entry.gauge = undefined;
    }
    this.#judge(name, entry, ageMs);
  }

  #judge(name: N, entry: Entry, ageMs: number | undefined): void {
    const { metrics } = this.#ctx;
    const { staleAfterMs, distrustAfterMs } = this.#budget;
    const stale = ageMs !== undefined && staleAfterMs !== undefined && ageMs > staleAfterMs;
    if (stale !== name.stale) metrics.gauge("discovery_stale_names").add(stale ? 1 : -1);
    name.stale = stale;
    const distrusted = ageMs !== undefined && distrustAfterMs !== undefined && ageMs > distrustAfterMs;
    if (distrusted === entry.distrusted) return;
    metrics.gauge("discovery_distrusted_names").add(distrusted ? 1 : -1);
    entry.distrusted = distrusted;
    name.distrust(distrusted);
  }

  async #tick(signal: AbortSignal): Promise<void> {
    for (; !signal.aborted; await this.#ctx.clock.sleep(tickMs, signal)) {
      for (const name of this.#names.keys()) this.tell(name);
      this.#log();
    }
  }

  /** One line when more names are stale, or distrusted, than at the last look, and one when none is any more. */
  #log(): void {
    const stale = [...this.#names.keys()].filter((name) => name.stale);
    const distrusted = [...this.#names].filter((each) => each[1].distrusted).map(([name]) => name);
    const { log } = this.#ctx;
    const last = this.#told;
    this.#told = { stale: stale.length, distrusted: distrusted.length };
    if (stale.length > last.stale) {
      log.warn(`what is known of names is stale: ${this.#source} has not confirmed it`, this.#facts(stale));
    } else if (stale.length === 0 && last.stale > 0) {
      log.info(`what is known from ${this.#source} is fresh again`);
    }
    if (distrusted.length > last.distrusted) {
      const what = "what is known of names is distrusted: it goes only where endpoints do not answer either";
      log.warn(what, this.#facts(distrusted));
    }
  }

  #facts(names: readonly N[]): Record<string, unknown> {
    const [first] = names;
    const ageSeconds = Math.round((this.#ctx.clock.now() - (first?.confirmedAt ?? 0)) / 1000);
    return { names: names.length, name: first?.name, ageSeconds, cause: first?.lastError };
  }

  #scope({ name }: N): MetricsScope {
    return this.#ctx.metrics.scope("name", name);
  }
}
