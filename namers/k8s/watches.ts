/** The watches of one namer: one per object, however many names lead to it, and only while somebody observes. */
import { Activity, State, Var } from "../../dtab/index.ts";
import type { KeptName, NamerContext } from "../../plugins/contract.ts";
import { type Aged, Ages } from "../lib/ages.ts";
import { type DiscoveryConfig, discoveryBudget } from "../lib/discovery-keys.ts";
import { LastKnown } from "../lib/last-known.ts";
import type { KubeApi } from "./api.ts";
import { type WatchContext, type WatchSource, watchObject } from "./watch.ts";
import { WatchRecord } from "./watch-record.ts";

/** How long the server keeps a watch open, unless told otherwise. */
export const defaultWatchSeconds = 20;
/** From which age on an object is stale, unless told otherwise; or twice the time of a watch if that is more. */
const leastStaleSeconds = 60;

/** What the watches of a namer are told. */
export interface WatchesOptions extends Omit<DiscoveryConfig, "staleAfterSeconds"> {
  readonly staleAfterSeconds?: number | undefined;
  /** How long the server keeps a watch open. */
  readonly watchSeconds?: number | undefined;
}

/** An object as it is known. */
interface Seen<T> {
  readonly value: T;
  /** Older than the namer's budget allows. */
  readonly distrusted: boolean;
}

interface Watch<T> {
  readonly states: Var<State<Seen<T>>>;
  readonly record: WatchRecord;
}

/** Objects of one kind. */
export class Watches<T> {
  readonly #api: KubeApi;
  readonly #ctx: NamerContext & WatchContext;
  readonly #what: string;
  readonly #watches = new Map<string, Watch<T>>();
  /** An object that comes back while the API server is away is served from here. */
  readonly #last: LastKnown<T>;
  readonly #ages: Ages<Aged>;

  /** `what` stands in metrics, before the key. */
  constructor(what: string, api: KubeApi, ctx: NamerContext, options: WatchesOptions = {}) {
    const { watchSeconds = defaultWatchSeconds } = options;
    const { staleAfterSeconds = Math.max(leastStaleSeconds, 2 * watchSeconds) } = options;
    const budget = discoveryBudget({ ...options, staleAfterSeconds });
    this.#what = what;
    this.#api = api;
    this.#ctx = { ...ctx, absent: { watches: 0 }, watchSeconds, panicThreshold: budget.panicThreshold };
    this.#last = new LastKnown({ source: what, watched: () => this.#found() }, ctx);
    this.#ages = new Ages("Kubernetes", budget, ctx);
  }

  /** The object over time; pending until the API server has answered, whatever it takes. */
  watch(key: string, source: WatchSource<T>): Activity<T> {
    return Activity.of(
      Var.distinct(
        this.#states(key, source).map((state) => (state.tag === "ok" ? State.ok(state.value.value) : state)),
        (a, b) => a === b || (a.tag === "ok" && b.tag === "ok" && a.value === b.value),
      ),
    );
  }

  /** Whether what is known of the object is too old to be trusted. */
  distrusted(key: string, source: WatchSource<T>): Var<boolean> {
    return Var.distinct(
      this.#states(key, source).map((state) => state.tag === "ok" && state.value.distrusted),
    );
  }

  /** The keys of what is watched, with the value that is known. */
  known(): [key: string, value: T][] {
    return [...this.#watches].flatMap(([key, { states }]) => {
      const state = states.sample();
      return state.tag === "ok" ? [[key, state.value.value] as [string, T]] : [];
    });
  }

  /** The document of each. */
  state(): Record<string, unknown> {
    return Object.fromEntries([...this.#watches].map(([key, { record }]) => [key, record.toJSON()]));
  }

  #states(key: string, source: WatchSource<T>): Var<State<Seen<T>>> {
    return Var.from<State<Seen<T>>>(
      () => this.#watches.get(key)?.states.sample() ?? State.pending,
      (observer) => (this.#watches.get(key) ?? this.#open(key, source)).states.observe(observer),
    );
  }

  #open(key: string, source: WatchSource<T>): Watch<T> {
    const record = new WatchRecord(`${this.#what}/${key}`, this.#ctx.clock);
    const states = Var.async<State<Seen<T>>>(State.pending, async (set, signal) => {
      record.state.start(signal);
      let known = this.#restore(key, source, record);
      const tell = (): void => {
        if (known !== undefined) set(State.ok({ value: known.value, distrusted: record.distrusted }));
      };
      signal.addEventListener("abort", () => {
        this.#watches.delete(key);
        this.#ages.remove(record);
        const { confirmedAt, found, restored } = record;
        if (known !== undefined && found && confirmedAt !== undefined) {
          this.#last.found(key, known.value, confirmedAt, restored);
        }
      });
      record.onDistrust = tell;
      tell();
      this.#ages.add(record);
      const update = (value: T): void => {
        const had = record.found;
        record.found = !source.isEmpty(value);
        record.restored = false;
        known = { value };
        // Nothing is kept of what is empty, so that a scan of random names displaces no real one.
        if (had || record.found) this.#last.outdated(key);
        this.#ages.tell(record);
        tell();
      };
      await watchObject(source, this.#api, this.#ctx, record, known, update, signal);
    });
    const watch = { states, record };
    this.#watches.set(key, watch);
    return watch;
  }

  /** What was known of it when nobody watched; what makes no sense (of another version, perhaps) is as good as nothing. */
  #restore(key: string, source: WatchSource<T>, record: WatchRecord): { readonly value: T } | undefined {
    const last = this.#last.get(key);
    if (last?.tag !== "found") return undefined;
    try {
      if (source.isEmpty(last.value)) return undefined;
      record.state.restore(source.show(last.value));
    } catch {
      return undefined;
    }
    record.found = true;
    record.heardAt = last.at;
    record.restored = last.restored;
    return { value: last.value };
  }

  *#found(): Generator<KeptName> {
    for (const [name, { states, record }] of this.#watches) {
      const state = states.sample();
      if (state.tag === "ok" && record.found && record.confirmedAt !== undefined) {
        yield { name, value: state.value.value, at: record.confirmedAt };
      }
    }
  }
}
