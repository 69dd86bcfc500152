/**
 * Marathon's event stream: tells at once which app has changed, so that nobody waits for the next poll. It is no source
 * of its own: whatever becomes of it, apps are asked for at their time all the same.
 */
import { Var } from "../../dtab/index.ts";
import type { Clock, Logger } from "../../plugins/contract.ts";
import { BoundedMemo } from "../../plugins/lib/bounded-memo.ts";
import { WatchState } from "../../plugins/lib/watch-state.ts";
import { within } from "../../plugins/lib/within.ts";
import { backoffMs } from "../lib/backoff.ts";
import type { HttpStream } from "../lib/http-client.ts";
import { inner, untilSilent } from "../lib/stream.ts";
import { readServerEvents } from "./server-events.ts";

/** The types of events that are asked for; Marathon before 1.3.7 sends all. */
export const eventTypes = [
  "api_post_event",
  "app_terminated_event",
  "deployment_success",
  "group_change_success",
  "health_status_changed_event",
  "instance_changed_event",
  "instance_health_changed_event",
  "status_update_event",
] as const;

/** What happens to a single app's tasks; all other events may change the list of apps. */
const ofTasks: ReadonlySet<unknown> = new Set(eventTypes.slice(4));

/** What the list of apps is called. */
export const theList = "apps";

/** What the stream needs. */
export interface EventsContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

interface Waiter {
  readonly name: string;
  readonly wake: () => void;
}

/** Without a beat for so long the stream counts as dead; Marathon sends one every few seconds. */
const silentMs = 60_000;
const openMs = 10_000;
const backoff = { minMs: 1_000, maxMs: 30_000 };

/** The changes that the stream told of, numbered. */
export class Events {
  readonly #open: (signal: AbortSignal) => Promise<HttpStream>;
  readonly #ctx: EventsContext;
  readonly #watch: WatchState;
  readonly #waiters = new Set<Waiter>();
  readonly #changes = new BoundedMemo<{ at: number }>(10_000);
  #count = 0;
  /** The last time when anything may have changed. */
  #missed = 0;
  #told = false;
  /** The stream is followed while this is observed. */
  readonly following: Var<undefined>;

  constructor(open: (signal: AbortSignal) => Promise<HttpStream>, ctx: EventsContext) {
    this.#open = open;
    this.#ctx = ctx;
    this.#watch = new WatchState(ctx.clock);
    this.following = Var.async<undefined>(undefined, (_set, signal) => this.#follow(signal));
  }

  /** The number of the last change. */
  get last(): number {
    return this.#count;
  }

  /** Waits until an app, or the list, has changed after a change; at most so long. */
  async after(change: number, name: string, ms: number, signal: AbortSignal): Promise<void> {
    if (Math.max(this.#missed, this.#changes.get(name)?.at ?? 0) > change) return;
    await inner(signal, async (own) => {
      const woken = new AbortController();
      const waiter: Waiter = { name, wake: () => woken.abort() };
      own.addEventListener("abort", waiter.wake, { once: true });
      this.#waiters.add(waiter);
      await this.#ctx.clock.sleep(ms, woken.signal);
      this.#waiters.delete(waiter);
    });
  }

  /** The document of the stream. */
  state(): Record<string, unknown> {
    return this.#watch.toJSON();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    this.#watch.start(signal);
    const { clock, random, log } = this.#ctx;
    for (let failures = 0; !signal.aborted; ) {
      try {
        await inner(signal, (own) => this.#read(own, () => (failures = 0)));
        throw new Error("the stream ended");
      } catch (error) {
        if (signal.aborted) return;
        const { message } = error as Error;
        this.#watch.fail(message);
        if (!this.#told) log.info("no events from Marathon; it is asked at its time", { cause: message });
        this.#told = true;
        await clock.sleep(backoffMs(failures++, backoff, random), signal);
      }
    }
  }

  async #read(signal: AbortSignal, opened: () => void): Promise<void> {
    const { clock, log } = this.#ctx;
    const slow = (): Error => new Error(`no answer within ${openMs / 1000} s`);
    const { status, chunks } = await within(this.#open(signal), openMs, clock, slow);
    if (status !== 200) throw new Error(`status ${status}`);
    opened();
    if (this.#told) log.info("events come from Marathon again");
    this.#told = false;
    this.#watch.update("open");
    // Nobody knows what happened before.
    this.#missed = ++this.#count;
    this.#wake(() => true);
    const silent = (): Error => new Error(`silent for ${silentMs / 1000} s`);
    for await (const data of readServerEvents(untilSilent(chunks, silentMs, clock, silent))) this.#hear(data);
  }

  #hear(data: string): void {
    const { eventType, appId, runSpecId } = JSON.parse(data) as Readonly<Record<string, unknown>>;
    const app = [appId, runSpecId].find((id) => typeof id === "string")?.toLowerCase();
    const names = [...(app === undefined ? [] : [app]), ...(ofTasks.has(eventType) ? [] : [theList])];
    const at = ++this.#count;
    for (const name of names) this.#changes.add(name, () => ({ at }));
    this.#wake((name) => names.includes(name));
  }

  #wake(concerns: (name: string) => boolean): void {
    for (const { name, wake } of [...this.#waiters]) if (concerns(name)) wake();
  }
}
