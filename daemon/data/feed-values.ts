/** What the feeds of the control thread said last, for the plugins of this worker. */
import type { PluginBlock } from "../../config/schema.ts";
import { feedKey, type WorkerSetup } from "../shared/messages.ts";

/** The values by the key of a block; a plugin whose router ends with its last requests keeps what it had. */
export class FeedValues {
  #cells = new Map<string, { value: unknown }>();

  /** Those of a setup, where nothing newer is known. */
  prepare(feeds: WorkerSetup["feeds"] = {}): void {
    for (const [key, value] of Object.entries(feeds))
      if (!this.#cells.has(key)) this.#cells.set(key, { value });
  }

  /** The setup runs: what it does not name is forgotten. */
  keep(feeds: WorkerSetup["feeds"] = {}): void {
    for (const key of this.#cells.keys()) if (!(key in feeds)) this.#cells.delete(key);
  }

  /** A feed says something new. */
  update(key: string, value: unknown): void {
    const cell = this.#cells.get(key);
    if (cell !== undefined) cell.value = value;
  }

  /** Reads what the feed of a block said last. */
  reader(block: PluginBlock): () => unknown {
    const cell = this.#cells.get(feedKey(block));
    return () => cell?.value;
  }
}
