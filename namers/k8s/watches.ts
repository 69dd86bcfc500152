/** The watches of one plugin: one per object, however many names lead to it, and only while somebody observes. */
import { Activity, State, Var } from "../../dtab/index.ts";
import type { KeptName, KnownName, NamerContext, PluginContext } from "../../plugins/contract.ts";
import { type Aged, Ages } from "../lib/ages.ts";
import { type DiscoveryConfig, discoveryBudget } from "../lib/discovery-keys.ts";
import { LastKnown } from "../lib/last-known.ts";
import type { KubeApi } from "./api.ts";
import { type Collection, onlyKey } from "./collection.ts";
import { type ApiKeys, defaultWatchSeconds, showServer } from "./keys.ts";
import { type Member, SharedWatch } from "./shared-watch.ts";
import type { WatchSource } from "./source.ts";
import { type WatchContext, watchObjects } from "./watch.ts";
import { WatchRecord } from "./watch-record.ts";

/** From which age on an object is stale, unless told otherwise; or twice the time of a watch if that is more. */
const leastStaleSeconds = 60;

/** What the watches of a namer are told. */
export interface WatchesOptions extends Omit<DiscoveryConfig, "staleAfterSeconds">, ApiKeys {
  readonly staleAfterSeconds?: number | undefined;
  /** How long the server keeps a watch open. */
  readonly watchSeconds?: number | undefined;
}

/** What to watch for a key. */
export interface Watched<T> {
  readonly source: WatchSource<T>;
  /** The watch of which it may become a part: all objects of that name, under the same keys. */
  readonly shared?: { readonly name: string; readonly source: WatchSource<T> } | undefined;
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

/** An object as `Watches.known` tells of it. */
export interface KnownObject<T> extends Omit<KnownName, "name"> {
  readonly key: string;
  readonly value: T;
}

/** Objects of one kind. */
export class Watches<T> {
  readonly #api: KubeApi;
  readonly #ctx: WatchContext;
  readonly #what: string;
  readonly #watches = new Map<string, Watch<T>>();
  readonly #shared = new Map<string, SharedWatch<T>>();
  /** An object that comes back while the API server is away is served from here. */
  readonly #last: LastKnown<T>;
  readonly #ages: Ages<Aged>;

  /** `what` stands in metrics, before the key. */
  constructor(
    what: string,
    api: KubeApi,
    ctx: PluginContext & Pick<NamerContext, "kept">,
    options: WatchesOptions = {},
  ) {
    const { watchSeconds = defaultWatchSeconds } = options;
    const { staleAfterSeconds = Math.max(leastStaleSeconds, 2 * watchSeconds) } = options;
    const budget = discoveryBudget({ ...options, staleAfterSeconds });
    this.#what = what;
    this.#api = api;
    const { panicThreshold } = budget;
    this.#ctx = { ...ctx, common: { absentWatches: 0, insteadUntil: 0 }, watchSeconds, panicThreshold };
    this.#last = new LastKnown(
      { source: `${what} of ${showServer(options)}`, watched: () => this.#found() },
      ctx,
    );
    this.#ages = new Ages("Kubernetes", budget, ctx);
  }

  /** The object over time; pending until the API server has answered, whatever it takes. */
  watch(key: string, watched: Watched<T>): Activity<T> {
    return Activity.of(
      Var.distinct(
        this.#states(key, watched).map((state) => (state.tag === "ok" ? State.ok(state.value.value) : state)),
        (a, b) => a === b || (a.tag === "ok" && b.tag === "ok" && a.value === b.value),
      ),
    );
  }

  /** Whether what is known of the object is too old to be trusted. */
  distrusted(key: string, watched: Watched<T>): Var<boolean> {
    return Var.distinct(
      this.#states(key, watched).map((state) => state.tag === "ok" && state.value.distrusted),
    );
  }

  /** What is watched and known, with its key and its age. */
  known(): KnownObject<T>[] {
    const now = this.#ctx.clock.now();
    return [...this.#watches].flatMap(([key, { states, record }]) => {
      const state = states.sample();
      if (state.tag !== "ok") return [];
      const ageSeconds = Math.max(0, now - (record.heardAt ?? now)) / 1000;
      return [{ key, value: state.value.value, source: "Kubernetes", ageSeconds, stale: record.stale }];
    });
  }

  /** The document of each, and of those that stand for many. */
  state(): Record<string, unknown> {
    const shared = [...this.#shared].flatMap(([name, each]) => {
      const document = each.toJSON();
      return document === undefined ? [] : [[`${name}/*`, document]];
    });
    const own = [...this.#watches].map(([key, { record }]) => [key, record.toJSON()]);
    return Object.fromEntries([...shared, ...own]);
  }

  #states(key: string, watched: Watched<T>): Var<State<Seen<T>>> {
    return Var.from<State<Seen<T>>>(
      () => this.#watches.get(key)?.states.sample() ?? State.pending,
      (observer) => (this.#watches.get(key) ?? this.#open(key, watched)).states.observe(observer),
    );
  }

  #open(key: string, { source, shared }: Watched<T>): Watch<T> {
    const record = new WatchRecord(`${this.#what}/${key}`, this.#ctx.clock);
    const states = Var.async<State<Seen<T>>>(State.pending, async (set, signal) => {
      record.state.start(signal);
      let known = this.#restore(key, source, record);
      const tell = (): void => {
        if (known !== undefined) set(State.ok({ value: known.value, distrusted: record.distrusted }));
      };
      const update = (value: T): void => {
        const had = record.found;
        record.found = !source.isEmpty(value);
        record.restored = false;
        // Shown to few, and changed often.
        record.state.update(record.found ? { toJSON: () => source.show(value) } : {});
        known = { value };
        // Nothing is kept of what is empty, so that a scan of random names displaces no real one.
        if (had || record.found) this.#last.outdated(key);
        this.#ages.tell(record);
        tell();
      };
      // A watch of its own, until a shared one stands for it.
      const alone = new AbortController();
      const member: Member<T> = {
        key,
        found: () => (record.found ? known?.value : undefined),
        share(value, by) {
          // Aborting what is aborted makes an error all the same, and this is for every change.
          if (!alone.signal.aborted) alone.abort();
          record.sharedWith(by);
          update(value);
        },
      };
      const many = shared && this.#sharedWatch(shared);
      signal.addEventListener("abort", () => {
        alone.abort();
        this.#watches.delete(key);
        this.#ages.remove(record);
        if (shared !== undefined) this.#leave(shared.name, member);
        const { confirmedAt, found, restored } = record;
        if (known !== undefined && found && confirmedAt !== undefined) {
          this.#last.found(key, known.value, confirmedAt, restored);
        }
      });
      record.onDistrust = tell;
      tell();
      this.#ages.add(record);
      if (many?.join(member)) return;
      const changed = (values: Collection<T>): void => {
        if (alone.signal.aborted) return;
        update(values.value(onlyKey));
        if (record.found) many?.grown();
      };
      const before = known === undefined ? [] : [[onlyKey, known.value] as const];
      const listener = { known: () => before, changed };
      await watchObjects(source, this.#api, this.#ctx, record, listener, alone.signal);
    });
    const watch = { states, record };
    this.#watches.set(key, watch);
    return watch;
  }

  #sharedWatch({ name, source }: NonNullable<Watched<T>["shared"]>): SharedWatch<T> {
    let shared = this.#shared.get(name);
    if (shared === undefined) {
      shared = new SharedWatch(`${this.#what}/${name}/*`, source, this.#api, this.#ctx);
      this.#shared.set(name, shared);
    }
    return shared;
  }

  #leave(name: string, member: Member<T>): void {
    const shared = this.#shared.get(name);
    shared?.leave(member);
    if (shared?.idle) this.#shared.delete(name);
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
