/**
 * List, then watch, until nobody wants to know any more: one object of the API, or all that a selector finds.
 *
 * list ──ok──▶ watch ──end──▶ watch from the last version; after a while, list
 * list ──bad─▶ wait, list     watch ──reset, garbage, silence, 410──▶ wait, list
 *
 * Whatever goes wrong changes nothing that is known: only an event, or a list that can be believed, does.
 */
import type { PluginContext } from "../../plugins/contract.ts";
import { backoffMs } from "../lib/backoff.ts";
import { isSuddenLoss } from "../lib/sudden-loss.ts";
import { badStatus, type Listed, readList } from "./answers.ts";
import type { KubeApi } from "./api.ts";
import { Doubtful, Gone } from "./errors.ts";
import { asObject, isOlder, type Json, type KubeObject, objectOfKind } from "./json.ts";
import { inner, readEvents, readWhole, untilSilent, within } from "./stream.ts";
import type { WatchRecord } from "./watch-record.ts";

/** Which objects, and what to make of them. */
export interface WatchSource<T> {
  readonly kind: string;
  /** Of a single object; undefined for all that the targets select. */
  readonly name: string | undefined;
  readonly listTarget: string;
  readonly watchTarget: string;
  /** Throws for objects that make no sense; there may be none. */
  read(objects: readonly KubeObject[]): T;
  /** Whether it has nothing that requests could be sent to. */
  isEmpty(value: T): boolean;
  /** How many of those there are; a list that loses most of them is doubted, as one that loses all is. */
  sizeOf?(value: T): number;
  /** What the state document shows of it. */
  show(value: T): unknown;
}

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

/** What a watch needs; names come from requests, and those that lead to nothing share a limit. */
export interface WatchContext extends Pick<PluginContext, "clock" | "random" | "log" | "metrics"> {
  readonly absent: { watches: number };
  /** How long the server keeps a watch open: this tells soonest that one is broken. */
  readonly watchSeconds: number;
  /** The share of addresses, in percent, that a list may take away at once. */
  readonly panicThreshold: number;
}

/** Runs the loop; `known` is from before, and `set` hears each value that is new. It never throws. */
export async function watchObject<T>(
  source: WatchSource<T>,
  api: KubeApi,
  ctx: WatchContext,
  record: WatchRecord,
  known: { readonly value: T } | undefined,
  set: (value: T) => void,
  signal: AbortSignal,
): Promise<void> {
  const loop = new Loop(source, api, ctx, record, known, set);
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
  readonly #source: WatchSource<T>;
  readonly #api: KubeApi;
  readonly #ctx: WatchContext;
  readonly #record: WatchRecord;
  readonly #set: (value: T) => void;
  /** What is there now, by name. */
  #objects: ReadonlyMap<string, KubeObject> = new Map();
  /** Where the next watch begins; undefined asks for a list, and the empty one is that of an object that is not there. */
  #from: string | undefined;
  #listAt = 0;
  /** The newest version seen. */
  #version = "";
  #value: { readonly value: T } | undefined;
  #doubtful = false;
  #complained = false;

  constructor(
    source: WatchSource<T>,
    api: KubeApi,
    ctx: WatchContext,
    record: WatchRecord,
    known: { readonly value: T } | undefined,
    set: (value: T) => void,
  ) {
    this.#source = source;
    this.#api = api;
    this.#ctx = ctx;
    this.#record = record;
    this.#value = known;
    this.#set = set;
  }

  /** Tells of a failure, the first in a row in the log too. */
  complain(message: string): void {
    this.#record.state.fail(message);
    if (this.#complained) return;
    this.#complained = true;
    const kept = this.#value === undefined ? "" : "; what is known stays in use";
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
    const { clock, random, absent } = this.#ctx;
    if (this.#from === undefined || clock.now() >= this.#listAt) {
      await inner(signal, (own) => this.#list(own));
    }
    if (signal.aborted) return;
    if (this.#objects.size > 0) return inner(signal, (own) => this.#watch(own));
    if (absent.watches >= pace.maxAbsent) {
      this.relist();
      return clock.sleep(pace.absentMs * (0.5 + random()), signal);
    }
    absent.watches++;
    try {
      await inner(signal, (own) => this.#watch(own));
    } finally {
      absent.watches--;
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { listTarget } = this.#source;
    const { clock, random } = this.#ctx;
    this.#record.requested(listTarget);
    const ask = async (): Promise<Listed> => {
      const { status, chunks } = await this.#api(listTarget, "list", signal);
      const text = await readWhole(chunks);
      this.#record.responded(text);
      return readList(status, text, this.#source);
    };
    const late = () => new Error(`no answer within ${pace.listMs / 1000} s`);
    const listed = await within(ask(), pace.listMs, clock, late);
    if (signal.aborted) return;
    this.#believe(listed);
    this.#tell(new Map(listed.objects.map((object) => [object.metadata.name, object])));
    this.#version = listed.version ?? this.#version;
    this.#from = listed.version ?? "";
    this.#listAt = clock.now() + pace.relistMs * (0.8 + random() * 0.4);
  }

  /** Throws for a list that would take everything away or that is older than what is known, unless it is the second. */
  #believe(listed: Listed): void {
    const reason = this.#doubt(listed);
    const again = this.#doubtful;
    this.#doubtful = reason !== undefined && !again;
    if (!this.#doubtful) return;
    this.#ctx.metrics.counter("discovery_held").incr();
    throw new Doubtful(`${reason}; asking again`);
  }

  #doubt({ objects, version }: Listed): string | undefined {
    if (this.#value === undefined) return undefined;
    const { isEmpty, sizeOf, read } = this.#source;
    if (version !== undefined && isOlder(version, this.#version)) {
      return `version ${version} is older than ${this.#version}`;
    }
    const next = read(objects);
    const { value } = this.#value;
    if (!isEmpty(value) && isEmpty(next)) return "all addresses are gone";
    if (sizeOf === undefined) return undefined;
    const isSudden = isSuddenLoss(sizeOf(value), sizeOf(next), this.#ctx.panicThreshold);
    return isSudden ? `most addresses are gone: ${sizeOf(next)} are left of ${sizeOf(value)}` : undefined;
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
    for await (const event of readEvents(untilSilent(chunks, idleMs, clock))) {
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
    const objects = new Map(this.#objects);
    if (type === "DELETED") objects.delete(name);
    else objects.set(name, object);
    this.#tell(objects);
    this.#advance(resourceVersion);
  }

  #advance(version: string): void {
    this.#version = version;
    this.#from = version;
  }

  #tell(objects: ReadonlyMap<string, KubeObject>): void {
    const value = this.#source.read([...objects.values()]);
    this.#objects = objects;
    this.#value = { value };
    this.#record.heardAt = this.#ctx.clock.now();
    this.#record.state.update(objects.size === 0 ? {} : this.#source.show(value));
    this.#set(value);
  }
}
