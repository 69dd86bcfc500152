/**
 * List, then watch, until nobody wants to know any more: one object of the API, or all that a selector finds.
 *
 * list ──ok──▶ watch ──end──▶ watch from the last version; after a while, list
 * list ──bad─▶ wait, list     watch ──reset, garbage, silence, 410──▶ wait, list
 *
 * Whatever goes wrong changes nothing that is known: only an event, or a list that can be believed, does.
 */
import type { PluginContext } from "../../plugins/contract.ts";
import { within } from "../../plugins/lib/within.ts";
import { backoffMs } from "../lib/backoff.ts";
import { inner, untilSilent } from "../lib/stream.ts";
import { badStatus, type Listed, readList } from "./answers.ts";
import type { KubeApi } from "./api.ts";
import { Collection } from "./collection.ts";
import { doubtfulLoss } from "./doubtful-loss.ts";
import { Doubtful, Gone, Refused, Silent } from "./errors.ts";
import { asObject, isOlder, type Json, objectOfKind } from "./json.ts";
import type { WatchSource } from "./source.ts";
import { readEvents, readWhole } from "./stream.ts";
import type { WatchRecord } from "./watch-record.ts";

/** How a watch is paced. */
export const pace = {
  /** A list must be whole by then. */
  listMs: 15_000,
  /** A watch that says nothing for so much longer than the server keeps it open is broken. */
  graceMs: 5_000,
  /** Everything is listed again, whatever the watch said. */
  relistMs: 600_000,
  /** When a doubtful list is asked for again. */
  confirmMs: 10_000,
  /** So many watches may be open for objects that are not there; the others are asked for now and then. */
  maxAbsent: 64,
  absentMs: 20_000,
  /** A watch that ends sooner counts as a failure when it comes to waiting. */
  shortMs: 1_000,
  backoff: { minMs: 100, maxMs: 10_000 },
} as const;

/** What the watches of one plugin have in common: names come from requests, and those that lead to nothing share a limit. */
export interface Common {
  /** Watches that are open for objects that are not there. */
  absentWatches: number;
  /** Until then nobody need ask for what was refused, but for what there is instead. */
  insteadUntil: number;
}

/** What a watch needs. */
export interface WatchContext extends Pick<PluginContext, "clock" | "random" | "log" | "metrics"> {
  readonly common: Common;
  /** The share of addresses, in percent, that a list may take away at once. */
  readonly panicThreshold: number;
  /** How long the server keeps a watch open: this tells soonest that one is broken. */
  readonly watchSeconds: number;
}

/** Who hears what a watch finds out. */
export interface WatchListener<T> {
  /** What is known before the first answer, by key: a first list is doubted as any other. */
  known(): Iterable<readonly [key: string, value: T]>;
  /** Something is known, or has changed: the values of these keys, or all. */
  changed(values: Collection<T>, keys: readonly string[] | "all"): void;
  /** The API server has no such objects, or does not allow to see them; true gives up. */
  refused?(error: Refused): boolean;
}

/** Runs the loop until the signal, or until the listener gives up. It never throws. */
export async function watchObjects<T>(
  source: WatchSource<T>,
  api: KubeApi,
  ctx: WatchContext,
  record: WatchRecord,
  listener: WatchListener<T>,
  signal: AbortSignal,
): Promise<void> {
  const loop = new Loop(source, api, ctx, record, listener);
  let failures = 0;
  while (!signal.aborted) {
    const startedAt = ctx.clock.now();
    try {
      await loop.round(signal);
      if (ctx.clock.now() - startedAt >= pace.shortMs) failures = 0;
      else await ctx.clock.sleep(backoffMs(failures++, pace.backoff, ctx.random), signal);
    } catch (error) {
      record.streamEnded();
      if (signal.aborted) return;
      if (error instanceof Refused && listener.refused?.(error) === true) return;
      loop.relist();
      if (!(error instanceof Gone)) loop.complain((error as Error).message);
      if (ctx.clock.now() - startedAt >= pace.backoff.maxMs) failures = 0;
      const waitMs =
        error instanceof Doubtful ? pace.confirmMs : backoffMs(failures++, pace.backoff, ctx.random);
      await ctx.clock.sleep(waitMs, signal);
    }
  }
}

class Loop<T> {
  readonly #wanted: WatchSource<T>;
  #source: WatchSource<T>;
  readonly #api: KubeApi;
  readonly #ctx: WatchContext;
  readonly #record: WatchRecord;
  readonly #listener: WatchListener<T>;
  /** What is known; undefined before the first answer. */
  #values: Collection<T> | undefined;
  /** Where the next watch begins; undefined asks for a list, and the empty one is that of an object that is not there. */
  #from: string | undefined;
  #listAt = 0;
  /** The newest version seen. */
  #version = "";
  #doubtful = false;
  #complained = false;

  constructor(
    source: WatchSource<T>,
    api: KubeApi,
    ctx: WatchContext,
    record: WatchRecord,
    listener: WatchListener<T>,
  ) {
    this.#wanted = source;
    this.#source = source;
    this.#api = api;
    this.#ctx = ctx;
    this.#record = record;
    this.#listener = listener;
  }

  /** Tells of a failure, the first in a row in the log too. */
  complain(message: string): void {
    this.#record.state.fail(message);
    if (this.#complained) return;
    this.#complained = true;
    const kept = this.#values === undefined ? "" : "; what is known stays in use";
    this.#ctx.log.warn(`a watch of Kubernetes broke${kept}`, {
      target: this.#source.listTarget,
      cause: message,
    });
  }

  /** The next round begins with a list. */
  relist(): void {
    this.#from = undefined;
  }

  /** A list if it is time for one, then a watch until the server ends it. */
  async round(signal: AbortSignal): Promise<void> {
    const { clock, random, common } = this.#ctx;
    if (this.#from === undefined || clock.now() >= this.#listAt) {
      await inner(signal, (own) => this.#list(own));
    }
    if (signal.aborted) return;
    if (this.#values!.size > 0) return inner(signal, (own) => this.#watch(own));
    if (common.absentWatches >= pace.maxAbsent) {
      this.relist();
      return clock.sleep(pace.absentMs * (0.5 + random()), signal);
    }
    common.absentWatches++;
    try {
      await inner(signal, (own) => this.#watch(own));
    } finally {
      common.absentWatches--;
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#ctx;
    const listed = await this.#askWanted(signal);
    if (signal.aborted) return;
    const values = new Collection(this.#source, listed.objects);
    this.#believe(listed, values);
    this.#values = values;
    this.#version = listed.version ?? this.#version;
    this.#from = listed.version ?? "";
    this.#listAt = clock.now() + pace.relistMs * (0.8 + random() * 0.4);
    this.#tell("all");
  }

  // What is known stays with the source that it came from.
  async #askWanted(signal: AbortSignal): Promise<Listed> {
    const { clock, common, log } = this.#ctx;
    const { instead } = this.#wanted;
    if (instead === undefined || this.#values !== undefined) return this.#ask(signal);
    this.#source = clock.now() < common.insteadUntil ? instead : this.#wanted;
    try {
      return await this.#ask(signal);
    } catch (error) {
      if (!(error instanceof Refused) || this.#source === instead) throw error;
      this.#source = instead;
      const listed = await this.#ask(signal);
      if (clock.now() >= common.insteadUntil) {
        const { kind } = this.#wanted;
        log.info(`${kind}s are refused; ${instead.kind} are read instead`, { cause: error.message });
        common.insteadUntil = clock.now() + pace.relistMs;
      }
      return listed;
    }
  }

  async #ask(signal: AbortSignal): Promise<Listed> {
    const source = this.#source;
    this.#record.requested(source.listTarget);
    const ask = async (): Promise<Listed> => {
      const { status, chunks } = await this.#api(source.listTarget, "list", signal);
      const text = await readWhole(chunks);
      this.#record.responded(text);
      return readList(status, text, source);
    };
    const late = () => new Error(`no answer within ${pace.listMs / 1000} s`);
    return within(ask(), pace.listMs, this.#ctx.clock, late);
  }

  /** Throws for a list that would take most away or that is older than what is known, unless it is the second. */
  #believe(listed: Listed, values: Collection<T>): void {
    const reason = this.#doubt(listed, values);
    const again = this.#doubtful;
    this.#doubtful = reason !== undefined && !again;
    if (!this.#doubtful) return;
    this.#ctx.metrics.counter("discovery_held").incr();
    throw new Doubtful(`${reason}; asking again`);
  }

  #doubt({ version }: Listed, values: Collection<T>): string | undefined {
    if (version !== undefined && isOlder(version, this.#version)) {
      return `version ${version} is older than ${this.#version}`;
    }
    const last = this.#values?.entries() ?? this.#listener.known();
    return doubtfulLoss(last, values, this.#source, this.#ctx.panicThreshold);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { watchTarget } = this.#source;
    const from = this.#from === "" ? "" : `&resourceVersion=${encodeURIComponent(this.#from!)}`;
    const mark = watchTarget.includes("?") ? "&" : "?";
    const { clock, random, watchSeconds } = this.#ctx;
    // Not all watches at once, at any time.
    const seconds = Math.ceil(watchSeconds * (0.75 + random() / 4));
    const target = `${watchTarget}${mark}allowWatchBookmarks=true&timeoutSeconds=${seconds}${from}`;
    this.#record.requested(target);
    const idleMs = seconds * 1_000 + pace.graceMs;
    const late = () => new Error(`no answer within ${idleMs / 1000} s`);
    const { status, chunks } = await within(this.#api(target, "watch", signal), idleMs, clock, late);
    if (status === 410) throw new Gone("410 Gone");
    if (status !== 200) throw badStatus(status, await within(readWhole(chunks), pace.listMs, clock, late));
    this.#record.streamStarted();
    if (this.#complained) {
      this.#ctx.log.info("Kubernetes answers again", { target: this.#source.listTarget });
    }
    this.#complained = false;
    const silent = () => new Silent(`silent for ${idleMs / 1000} s`);
    for await (const event of readEvents(untilSilent(chunks, idleMs, clock, silent))) {
      if (signal.aborted) return;
      this.#record.streamed(event);
      this.#apply(event);
    }
    this.#record.streamEnded();
  }

  #apply({ type, object: value }: Json): void {
    const body = asObject(value);
    if (body === undefined) throw new Error(`an event of type ${JSON.stringify(type)} without an object`);
    if (type === "ERROR") {
      const message = `the watch ended with ${body["code"]}: ${body["message"]}`;
      throw body["code"] === 410 ? new Gone(message) : new Error(message);
    }
    if (type === "BOOKMARK") {
      const version = asObject(body["metadata"])?.["resourceVersion"];
      if (typeof version === "string") this.#advance(version);
      return;
    }
    if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED") {
      throw new Error(`an event of type ${JSON.stringify(type)}`);
    }
    const object = objectOfKind(body, this.#source.kind);
    const { name, resourceVersion } = object.metadata;
    // A server that has not caught up may tell old news.
    const isOurs = this.#source.name === undefined || this.#source.name === name;
    if (!isOurs || isOlder(resourceVersion, this.#version)) return;
    const values = this.#values!;
    this.#tell(type === "DELETED" ? values.remove(object) : values.put(object));
    this.#advance(resourceVersion);
  }

  #advance(version: string): void {
    this.#version = version;
    this.#from = version;
  }

  #tell(keys: readonly string[] | "all"): void {
    this.#record.heardAt = this.#ctx.clock.now();
    this.#listener.changed(this.#values!, keys);
  }
}
