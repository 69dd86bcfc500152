/** The watches of one namer: one per object, however many names lead to it, and only while somebody observes. */
import { Activity, State, Var } from "../../dtab/index.ts";
import type { Gauge, NamerContext } from "../../plugins/contract.ts";
import { BoundedMemo } from "../../plugins/lib/bounded-memo.ts";
import type { KubeApi } from "./api.ts";
import { type WatchContext, type WatchSource, watchObject } from "./watch.ts";
import { WatchRecord } from "./watch-record.ts";

/** How many objects nobody watches now are remembered. */
const remembered = 1_000;
/** How long the server keeps a watch open, unless told otherwise. */
export const defaultWatchSeconds = 20;
/** How often ages are told to the metrics. */
const tickMs = 5_000;

interface Watch<T> {
  readonly states: Var<State<T>>;
  readonly record: WatchRecord;
}

/** What was known when nobody watched any more. */
interface Last<T> {
  value: T | undefined;
  confirmedAt: number | undefined;
}

/** Objects of one kind. */
export class Watches<T> {
  readonly #api: KubeApi;
  readonly #ctx: NamerContext & WatchContext;
  readonly #what: string;
  readonly #watches = new Map<string, Watch<T>>();
  /** An object that comes back while the API server is away is served from here. */
  readonly #last = new BoundedMemo<Last<T>>(remembered);

  /** `what` stands in metrics, before the key. */
  constructor(what: string, api: KubeApi, ctx: NamerContext, watchSeconds = defaultWatchSeconds) {
    this.#what = what;
    this.#api = api;
    this.#ctx = { ...ctx, absent: { watches: 0 }, watchSeconds };
  }

  /** The object over time; pending until the API server has answered, whatever it takes. */
  watch(key: string, source: WatchSource<T>): Activity<T> {
    return Activity.of(
      Var.from<State<T>>(
        () => this.#watches.get(key)?.states.sample() ?? State.pending,
        (observer) => (this.#watches.get(key) ?? this.#open(key, source)).states.observe(observer),
      ),
    );
  }

  /** The keys of what is watched, with the value that is known. */
  known(): [key: string, value: T][] {
    return [...this.#watches].flatMap(([key, { states }]) => {
      const state = states.sample();
      return state.tag === "ok" ? [[key, state.value] as [string, T]] : [];
    });
  }

  /** The document of each. */
  state(): Record<string, unknown> {
    return Object.fromEntries([...this.#watches].map(([key, { record }]) => [key, record.toJSON()]));
  }

  #open(key: string, source: WatchSource<T>): Watch<T> {
    const record = new WatchRecord(this.#ctx.clock);
    const states = Var.async<State<T>>(State.pending, async (set, signal) => {
      record.state.start(signal);
      signal.addEventListener("abort", () => {
        this.#watches.delete(key);
        const kept = this.#last.get(key);
        if (kept !== undefined) kept.confirmedAt = record.confirmedAt;
      });
      const last = this.#last.get(key);
      if (last?.value !== undefined) {
        record.found = true;
        record.confirmedAt = last.confirmedAt;
        set(State.ok(last.value));
      }
      void this.#tellAge(key, record, signal);
      const tell = (value: T): void => {
        record.found = !source.isEmpty(value);
        this.#remember(key, record.found ? value : undefined);
        set(State.ok(value));
      };
      await watchObject(source, this.#api, this.#ctx, record, tell, signal);
    });
    const watch = { states, record };
    this.#watches.set(key, watch);
    return watch;
  }

  /** Nothing is remembered of what is empty, so that a scan of random names displaces no real one. */
  #remember(key: string, value: T | undefined): void {
    const last = this.#last.get(key);
    if (last !== undefined) last.value = value;
    else if (value !== undefined) this.#last.add(key, () => ({ value, confirmedAt: undefined }));
  }

  /** Seconds since the API server last confirmed an object, for those that are there. */
  async #tellAge(key: string, record: WatchRecord, signal: AbortSignal): Promise<void> {
    const { clock, metrics } = this.#ctx;
    const scope = () => metrics.scope("name", `${this.#what}/${key}`);
    let age: Gauge | undefined;
    for (; !signal.aborted; await clock.sleep(tickMs, signal)) {
      const { confirmedAt, found } = record;
      if (found && confirmedAt !== undefined) {
        age ??= scope().gauge("discovery_age_seconds");
        age.set(Math.max(0, clock.now() - confirmedAt) / 1000);
      } else if (age !== undefined) {
        scope().close();
        age = undefined;
      }
    }
    scope().close();
  }
}
