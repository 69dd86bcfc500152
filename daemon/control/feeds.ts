/**
 * What plugins of the data plane must know from outside, such as the Ingress resources of a cluster: watched here, once
 * for all workers and off the data path, and sent to them as it changes.
 */
import type { LinkerdConfig, PluginBlock } from "../../config/schema.ts";
import type { Closable } from "../../dtab/index.ts";
import type { Clock, ControlContext, Feed, Logger } from "../../plugins/contract.ts";
import type { Registry } from "../../plugins/registry.ts";
import { feedKey, type ToWorker } from "../shared/messages.ts";
import type { NamerNames } from "./snapshot/namer-names.ts";

/** Workers start without what a feed has not said by then. */
const firstMs = 5_000;
/** Changes that come in a burst are sent together. */
const settleMs = 100;

/** What it needs. */
export interface FeedsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** What the feed of a kind is made with. */
  readonly context: (kind: string) => ControlContext;
  /** Where what a feed knows is kept on disk, by `feedKey`; undefined where there is no folder for it. */
  readonly keep: (key: string) => NamerNames | undefined;
  /** Reaches every worker. */
  send(message: ToWorker): void;
}

/** One block's feed at work. */
interface Running {
  readonly kind: string;
  readonly feed: Feed;
  readonly kept: NamerNames | undefined;
  readonly observation: Closable;
  /** Resolves with the first value. */
  readonly first: Promise<void>;
  value: unknown;
  due: boolean;
}

/** See the file's comment. */
export class Feeds {
  readonly #options: FeedsOptions;
  readonly #running = new Map<string, Running>();

  constructor(options: FeedsOptions) {
    this.#options = options;
  }

  /**
   * Starts the feeds that a configuration needs, and gives them a moment to say something, so that a worker knows what it
   * goes by when it takes its first request. Throws where a block makes no sense.
   */
  async prepare(
    config: LinkerdConfig,
    registry: Registry,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { clock, log } = this.#options;
    for (const block of blocksOf(config)) {
      const key = feedKey(block);
      if (!this.#running.has(key) && registry.find("feed", block.kind) !== undefined)
        this.#open(key, block, registry);
    }
    const waiting = [...this.#running.values()].filter(({ value }) => value === undefined);
    if (waiting.length > 0) {
      const soon = new AbortController();
      const all = Promise.all(waiting.map(({ first }) => first));
      await Promise.race([all, clock.sleep(firstMs, soon.signal)]);
      soon.abort();
      for (const { kind, value } of waiting) {
        if (value === undefined) log.warn("nothing is known yet of what an identifier goes by", { kind });
      }
    }
    return this.values();
  }

  /** This configuration runs: feeds that no block of it needs end. */
  keep(config: LinkerdConfig): void {
    const keys = new Set(blocksOf(config).map(feedKey));
    for (const [key, { observation }] of this.#running) {
      if (keys.has(key)) continue;
      this.#running.delete(key);
      observation.close();
    }
  }

  /** What a worker starts with, by `feedKey`. */
  values(): Readonly<Record<string, unknown>> | undefined {
    if (this.#running.size === 0) return undefined;
    return Object.fromEntries([...this.#running].map(([key, { value }]) => [key, value]));
  }

  /** Reads what the feed of a block said last. */
  reader(block: PluginBlock): () => unknown {
    const key = feedKey(block);
    return () => this.#running.get(key)?.value;
  }

  /** The document of a block's feed; undefined where there is none. */
  state(block: PluginBlock): (() => unknown) | undefined {
    const feed = this.#running.get(feedKey(block))?.feed;
    return feed?.state === undefined ? undefined : () => feed.state!();
  }

  /** What they keep on disk. */
  kept(): readonly NamerNames[] {
    return [...this.#running.values()].flatMap(({ kept }) => kept ?? []);
  }

  /** Ends all of them. */
  close(): void {
    for (const { observation } of this.#running.values()) observation.close();
    this.#running.clear();
  }

  #open(key: string, { kind, ...own }: PluginBlock, registry: Registry): void {
    const { clock, context, keep } = this.#options;
    const kept = keep(key);
    const feed = registry.get("feed", kind).create({ ...own }, { ...context(kind), kept });
    const { promise: first, resolve } = Promise.withResolvers<void>();
    let running: Running | undefined;
    let value: unknown;
    const observation = feed.values.states.observe((state) => {
      // A failure changes nothing that is known.
      if (state.tag !== "ok") return;
      value = state.value;
      resolve();
      if (running !== undefined) void this.#tell(key, running, value, clock);
    });
    running = { kind, feed, kept, observation, first, value, due: false };
    this.#running.set(key, running);
  }

  async #tell(key: string, running: Running, value: unknown, clock: Clock): Promise<void> {
    const isFirst = running.value === undefined;
    running.value = value;
    if (running.due) return;
    running.due = true;
    if (!isFirst) await clock.sleep(settleMs);
    running.due = false;
    if (this.#running.get(key) === running) {
      this.#options.send({ type: "feed", key, value: running.value });
    }
  }
}

const blocksOf = ({ routers }: LinkerdConfig): readonly PluginBlock[] =>
  routers.flatMap(({ identifier }) => identifier);
