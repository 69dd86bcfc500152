/**
 * One watch in place of many: when so many objects of a namespace are in use, all of its objects are listed and watched
 * over one connection, and what each name had of its own ends. It lasts until the last of its members leaves.
 *
 * own watches ──enough found──▶ both, until the list is there ──list──▶ shared ──last member leaves──▶ own watches
 *                               both ──403, 404──▶ own watches; tried again after a while
 */
import type { KubeApi } from "./api.ts";
import type { Collection } from "./collection.ts";
import type { WatchSource } from "./source.ts";
import { pace, type WatchContext, type WatchListener, watchObjects } from "./watch.ts";
import { WatchRecord } from "./watch-record.ts";

/** From so many objects with something to send requests to, one watch for all costs less. */
export const sharedFrom = 32;

/** Somebody who uses one key. */
export interface Member<T> {
  readonly key: string;
  /** The value is such from now on, and comes from the shared watch. */
  share(value: T, record: WatchRecord): void;
  /** What was last known, if there was something. */
  found(): T | undefined;
}

/** The objects of one namespace, and who uses them. */
export class SharedWatch<T> {
  readonly #name: string;
  readonly #source: WatchSource<T>;
  readonly #api: KubeApi;
  readonly #ctx: WatchContext;
  readonly #members = new Map<string, Member<T>>();
  #running: AbortController | undefined;
  #record: WatchRecord;
  #values: Collection<T> | undefined;
  #notBefore = 0;

  /** The source has keys. */
  constructor(name: string, source: WatchSource<T>, api: KubeApi, ctx: WatchContext) {
    this.#name = name;
    this.#source = source;
    this.#api = api;
    this.#ctx = ctx;
    this.#record = new WatchRecord(name, ctx.clock);
  }

  /** Whether nobody uses it. */
  get idle(): boolean {
    return this.#members.size === 0;
  }

  /** A member is there; true if it is told at once, and needs no watch of its own. */
  join(member: Member<T>): boolean {
    this.#members.set(member.key, member);
    if (this.#values === undefined) return false;
    member.share(this.#values.value(member.key), this.#record);
    return true;
  }

  /** A member has found something, so that it may be time to share. */
  grown(): void {
    if (this.#running !== undefined || this.#ctx.clock.now() < this.#notBefore) return;
    if ([...this.#known()].length >= sharedFrom)
      void this.#run((this.#running = new AbortController()).signal);
  }

  /** A member is gone. */
  leave(member: Member<T>): void {
    if (this.#members.get(member.key) === member) this.#members.delete(member.key);
    if (this.idle) this.#end();
  }

  /** The document; undefined while everybody watches alone. */
  toJSON(): unknown {
    if (this.#values === undefined) return undefined;
    return { ...this.#record.toJSON(), members: this.#members.size, objects: this.#values.size };
  }

  async #run(signal: AbortSignal): Promise<void> {
    const record = new WatchRecord(this.#name, this.#ctx.clock);
    this.#record = record;
    record.state.start(signal);
    const listener: WatchListener<T> = {
      known: () => this.#known(),
      changed: (values, keys) => {
        if (signal.aborted) return;
        this.#values = values;
        record.state.update(undefined);
        for (const key of keys === "all" ? [...this.#members.keys()] : keys) {
          this.#members.get(key)?.share(values.value(key), record);
        }
      },
      // Whoever was told by it keeps what is known; only one that never began can be done without.
      refused: () => this.#values === undefined,
    };
    await watchObjects(this.#source, this.#api, this.#ctx, record, listener, signal);
    if (signal.aborted) return;
    this.#notBefore = this.#ctx.clock.now() + pace.relistMs;
    this.#end();
  }

  *#known(): Generator<readonly [string, T]> {
    for (const member of this.#members.values()) {
      const value = member.found();
      if (value !== undefined) yield [member.key, value];
    }
  }

  #end(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#values = undefined;
  }
}
