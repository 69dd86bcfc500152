/**
 * Metrics in shared memory, the writing side: used in every data worker and, for its own series, in the control thread.
 *
 * Memory comes in blocks of shared pages (metrics-space.ts). A page of 512 words of 64 bits holds counters and gauges, a
 * `Float64` word each, or heads of distributions, or segments of their buckets: a distribution takes as many as it has
 * met powers of two. A block's number, and where a series lies in it, travel to the reader as `MetricsChange`s, one batch
 * a turn. Word 0 of block 0 belongs to the reader: it counts the batches it has applied, and memory of an ended series
 * is used again only when the batch that says so has been.
 *
 * Each word has one writer, so nothing here is atomic; `incr`, `set`, `add` and `record` make no garbage.
 */
import type { Counter, Gauge, MetricsScope, Stat } from "../../plugins/contract.ts";
import type { MetricsChange } from "./messages.ts";
import { Memory, type MetricsOptions, type Series } from "./metrics-blocks.ts";
import type { Histogram, Word } from "./metrics-cells.ts";

export type { MetricsOptions } from "./metrics-blocks.ts";

/** Opens a metrics memory; `emit` is given every change of its layout, in order, before anything reads it. */
export const createMetrics = (
  emit: (changes: MetricsChange[]) => void,
  options: MetricsOptions = {},
): MetricsScope => new ScopeNode(new Memory(emit, options), undefined, []);

class ScopeNode implements MetricsScope {
  readonly #memory: Memory;
  readonly #parent: ScopeNode | undefined;
  readonly #scopes: readonly string[];
  readonly #children = new Map<string, ScopeNode>();
  readonly #series = new Map<string, Series>();
  #closed = false;

  constructor(memory: Memory, parent: ScopeNode | undefined, scopes: readonly string[]) {
    this.#memory = memory;
    this.#parent = parent;
    this.#scopes = scopes;
  }

  scope(...elements: string[]): MetricsScope {
    let node: ScopeNode = this;
    for (const element of elements) {
      let child = node.#children.get(element);
      if (child === undefined) {
        child = new ScopeNode(this.#memory, node, [...node.#scopes, element]);
        // Whoever still holds an ended scope gets series that go nowhere, instead of ones that nobody would end.
        if (node.#closed) child.#closed = true;
        else node.#children.set(element, child);
      }
      node = child;
    }
    return node;
  }

  counter(name: string): Counter {
    return this.#find("counter", name) as Word;
  }

  gauge(name: string): Gauge {
    return this.#find("gauge", name) as Word;
  }

  stat(name: string): Stat {
    return this.#find("stat", name) as Histogram;
  }

  close(): void {
    if (this.#closed) return;
    if (this.#end()) this.#memory.removed(this.#scopes);
    if (this.#parent === undefined)
      this.#closed = false; // The root may be filled again.
    else this.#parent.#children.delete(this.#scopes.at(-1)!);
  }

  #find(type: "counter" | "gauge" | "stat", name: string): Word | Histogram {
    const key = `${type} ${name}`;
    const known = this.#series.get(key);
    if (known !== undefined) return known.metric;
    if (this.#closed) return this.#memory.nowhere(type);
    const series = this.#memory.add(type, this.#scopes, name);
    this.#series.set(key, series);
    return series.metric;
  }

  /** Ends everything below; true if there was anything. */
  #end(): boolean {
    this.#closed = true;
    let any = this.#series.size > 0;
    for (const child of this.#children.values()) any = child.#end() || any;
    for (const series of this.#series.values()) this.#memory.free(series);
    this.#children.clear();
    this.#series.clear();
    return any;
  }
}
