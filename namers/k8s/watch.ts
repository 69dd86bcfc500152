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
import type { KubeApi } from "./api.ts";
import { Doubtful, Gone } from "./errors.ts";
import { asObject, isOlder, type Json, type KubeObject, listOf, objectOfKind, parseObject } from "./json.ts";
import { readEvents, readWhole, untilSilent, within } from "./stream.ts";
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
  /** What the state document shows of it. */
  show(value: T): unknown;
}

/** How a watch is paced. */
export const pace = {
  /** A list must be whole by then. */
  listMs: 15_000,
  /** A watch without a word is broken; API servers send a bookmark every minute. */
  idleMs: 90_000,
  /** How long the server keeps a watch open. */
  serverSeconds: 300,
  /** Everything is listed again, whatever the watch said. */
  relistMs: 600_000,
  /** When a doubtful list is asked for again. */
  confirmMs: 10_000,
  /** A watch that ends sooner counts as a failure when it comes to waiting. */
  shortMs: 1_000,
  backoff: { minMs: 100, maxMs: 10_000 },
} as const;

type Context = Pick<PluginContext, "clock" | "random" | "log">;

/** Runs the loop; `set` hears each value that is new. It never throws. */
export async function watchObject<T>(
  source: WatchSource<T>,
  api: KubeApi,
  ctx: Context,
  record: WatchRecord,
  set: (value: T) => void,
  signal: AbortSignal,
): Promise<void> {
  const loop = new Loop(source, api, ctx, record, set);
  let failures = 0;
  let complained = false;
  while (!signal.aborted) {
    const startedAt = ctx.clock.now();
    try {
      await loop.round(signal);
      if (complained) ctx.log.info("Kubernetes answers again", { target: source.listTarget });
      complained = false;
      if (ctx.clock.now() - startedAt >= pace.shortMs) failures = 0;
      else await ctx.clock.sleep(backoffMs(failures++, pace.backoff, ctx.random), signal);
    } catch (error) {
      record.streamEnded();
      if (signal.aborted) return;
      loop.relist();
      if (ctx.clock.now() - startedAt >= pace.idleMs) failures = 0;
      const { message } = error as Error;
      if (!(error instanceof Gone)) record.state.fail(message);
      if (!(error instanceof Gone) && !complained) {
        const kept = loop.known ? "; what is known stays in use" : "";
        ctx.log.warn(`a watch of Kubernetes broke${kept}`, { target: source.listTarget, cause: message });
        complained = true;
      }
      const waitMs =
        error instanceof Doubtful ? pace.confirmMs : backoffMs(failures++, pace.backoff, ctx.random);
      await ctx.clock.sleep(waitMs, signal);
    }
  }
}

class Loop<T> {
  readonly #source: WatchSource<T>;
  readonly #api: KubeApi;
  readonly #ctx: Context;
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

  constructor(
    source: WatchSource<T>,
    api: KubeApi,
    ctx: Context,
    record: WatchRecord,
    set: (value: T) => void,
  ) {
    this.#source = source;
    this.#api = api;
    this.#ctx = ctx;
    this.#record = record;
    this.#set = set;
  }

  get known(): boolean {
    return this.#value !== undefined;
  }

  relist(): void {
    this.#from = undefined;
  }

  /** A list if it is time for one, then a watch until the server ends it. */
  async round(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ctx;
    if (this.#from === undefined || clock.now() >= this.#listAt)
      await inner(signal, (own) => this.#list(own));
    if (!signal.aborted) await inner(signal, (own) => this.#watch(own));
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { listTarget } = this.#source;
    const { clock, random } = this.#ctx;
    this.#record.requested(listTarget);
    const ask = async (): Promise<Listed> => {
      const { status, chunks } = await this.#api(listTarget, "list", signal);
      const text = await readWhole(chunks);
      this.#record.responded(text);
      return this.#readList(status, text);
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

  #readList(status: number, text: string): Listed {
    const { kind, name } = this.#source;
    // One object may not be there; a selector that finds none is an empty list.
    if (status === 404 && name !== undefined && isStatus(text)) return { objects: [], version: undefined };
    if (status !== 200) throw badStatus(status, text);
    if (name === undefined) return readObjects(parseObject(text), kind);
    const object = objectOfKind(parseObject(text), kind);
    if (object.metadata.name !== name) throw new Error(`asked for ${name}, got ${object.metadata.name}`);
    return { objects: [object], version: object.metadata.resourceVersion };
  }

  /** Throws for a list that would take everything away or that is older than what is known, unless it is the second. */
  #believe(listed: Listed): void {
    const reason = this.#doubt(listed);
    const again = this.#doubtful;
    this.#doubtful = reason !== undefined && !again;
    if (this.#doubtful) throw new Doubtful(`${reason}; asking again`);
  }

  #doubt({ objects, version }: Listed): string | undefined {
    if (this.#value === undefined) return undefined;
    const { isEmpty, read } = this.#source;
    if (version !== undefined && isOlder(version, this.#version)) {
      return `version ${version} is older than ${this.#version}`;
    }
    return !isEmpty(this.#value.value) && isEmpty(read(objects)) ? "all addresses are gone" : undefined;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { watchTarget } = this.#source;
    const from = this.#from === "" ? "" : `&resourceVersion=${encodeURIComponent(this.#from!)}`;
    const mark = watchTarget.includes("?") ? "&" : "?";
    const target = `${watchTarget}${mark}allowWatchBookmarks=true&timeoutSeconds=${pace.serverSeconds}${from}`;
    const { clock } = this.#ctx;
    this.#record.requested(target);
    const late = () => new Error(`no answer within ${pace.idleMs / 1000} s`);
    const { status, chunks } = await within(this.#api(target, "watch", signal), pace.idleMs, clock, late);
    if (status === 410) throw new Gone("410 Gone");
    if (status !== 200) throw badStatus(status, await within(readWhole(chunks), pace.listMs, clock, late));
    this.#record.streamStarted();
    for await (const event of readEvents(untilSilent(chunks, pace.idleMs, clock))) {
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
    this.#record.confirmedAt = this.#ctx.clock.now();
    this.#record.state.update(objects.size === 0 ? {} : this.#source.show(value));
    this.#set(value);
  }
}

/** What a list says; without a version there is no such object. */
interface Listed {
  readonly objects: readonly KubeObject[];
  readonly version: string | undefined;
}

/** Reads a list, whose items need not say what kind they are. */
function readObjects(list: Json, kind: string): Listed {
  const version = asObject(list["metadata"])?.["resourceVersion"];
  if (list["kind"] !== `${kind}List` || typeof version !== "string" || !Array.isArray(list["items"])) {
    throw new Error(`expected ${kind}List, got ${JSON.stringify(list["kind"])}`);
  }
  const objects = listOf(list["items"], "items").map((item) => objectOfKind({ ...item, kind }, kind));
  return { objects, version };
}

/** Runs with a signal of its own, which aborts with the outer one and when the work is over, however it ends. */
async function inner<T>(outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const stop = (): void => own.abort();
  outer.addEventListener("abort", stop, { once: true });
  try {
    return await work(own.signal);
  } finally {
    outer.removeEventListener("abort", stop);
    own.abort();
  }
}

/** Whether a text is the API server's own word, and not that of somebody in between. */
function isStatus(text: string): boolean {
  try {
    return parseObject(text)["kind"] === "Status";
  } catch {
    return false;
  }
}

function badStatus(status: number, text: string): Error {
  let message = text.slice(0, 200);
  try {
    message = String(parseObject(text)["message"] ?? message);
  } catch {
    // Not the API server's own words: shown as they are.
  }
  return new Error(`status ${status}: ${message}`);
}
