/**
 * Metrics in shared memory, the writing side: used in every data worker and, for its own series, in the control thread.
 *
 * Memory comes in blocks of shared pages. A page (512 words of 64 bits) holds either one distribution or up to 512
 * counters and gauges, one `Float64` word each. A block's number, and where a series lies in it, travel to the reader
 * as `MetricsChange`s, one batch a turn. Word 0 of block 0 belongs to the reader: it counts the batches it has applied,
 * and memory of an ended series is used again only when the batch that says so has been.
 *
 * Each word has one writer, so nothing here is atomic; `incr`, `set`, `add` and `record` allocate nothing.
 */
import type { Counter, Gauge, MetricsScope, Stat } from "../../plugins/contract.ts";
import { bucketCount, bucketOf, maxValue } from "./histogram.ts";
import type { MetricsChange } from "./messages.ts";

/** 64-bit words in a page. */
export const pageWords = 512;

/** Where the parts of a distribution lie: offsets in words, and of the buckets in 32-bit halves. */
export const statLayout = {
  count: 0,
  sum: 1,
  /** Two halves: one above the highest bucket in use, and how far below the end the lowest one lies. */
  top: 2 * 2,
  bottom: 2 * 2 + 1,
  buckets: 2 * 3,
} as const;

/** How a metrics memory is kept. */
export interface MetricsOptions {
  /** How many series may live at once; further ones share the series `_overflow`. Default 200 000. */
  readonly seriesBudget?: number;
  /** Called once, when the budget is first used up. */
  readonly onOverflow?: (budget: number) => void;
  /** When a batch of changes goes out; default `setImmediate`. */
  readonly schedule?: (flush: () => void) => void;
}

/** Opens a metrics memory; `emit` is given every change of its layout, in order, before anything reads it. */
export const createMetrics = (
  emit: (changes: MetricsChange[]) => void,
  options: MetricsOptions = {},
): MetricsScope => new ScopeNode(new Memory(emit, options), undefined, []);

// === The series: what the hot path touches ===

/** A word that counts or tells; after its end it writes where nobody reads. */
class Word implements Counter, Gauge {
  words: Float64Array;
  index: number;

  constructor(words: Float64Array, index: number) {
    this.words = words;
    this.index = index;
  }

  incr(by = 1): void {
    this.words[this.index]! += by;
  }

  set(value: number): void {
    this.words[this.index] = value;
  }

  add(delta: number): void {
    this.words[this.index]! += delta;
  }
}

/** A page that holds a distribution. */
class Histogram implements Stat {
  words: Float64Array;
  halves: Uint32Array;
  base: number;

  constructor(words: Float64Array, halves: Uint32Array, base: number) {
    this.words = words;
    this.halves = halves;
    this.base = base;
  }

  record(value: number): void {
    // NaN and negative durations (a clock that was set back) count as 0.
    const known = value > 0 ? Math.min(value, maxValue) : 0;
    const { words, halves, base } = this;
    const bucket = bucketOf(known);
    const start = base * 2;
    halves[start + 6 + bucket]! += 1;
    if (bucket >= halves[start + 4]!) halves[start + 4] = bucket + 1;
    if (bucketCount - bucket > halves[start + 5]!) halves[start + 5] = bucketCount - bucket;
    words[base + 1]! += known;
    // Last, because a reader takes a changed count for a sign that the buckets have changed too.
    words[base]! += 1;
  }
}

// === The tree of scopes ===

interface Place {
  readonly block: number;
  readonly offset: number;
}

interface Series {
  readonly metric: Word | Histogram;
  /** Undefined for what writes to `_overflow`. */
  readonly place: Place | undefined;
}

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

// === The memory ===

interface Block {
  readonly words: Float64Array;
  readonly halves: Uint32Array;
}

interface Freed {
  readonly batch: number;
  readonly words: Place[];
  readonly pages: Place[];
}

/** Pages per block: the first are small, so that a daemon without traffic stays so. */
const blockPages = [16, 64] as const;
const laterBlockPages = 256;

class Memory {
  readonly #emit: (changes: MetricsChange[]) => void;
  readonly #schedule: (flush: () => void) => void;
  readonly #budget: number;
  readonly #onOverflow: ((budget: number) => void) | undefined;
  readonly #blocks: Block[] = [];
  readonly #freeWords: Place[] = [];
  readonly #freePages: Place[] = [];
  readonly #freed: Freed[] = [];
  readonly #nowhereWord: Word;
  readonly #nowhereStat: Histogram;
  #nextPage = 0;
  #batch = 1;
  #changes: MetricsChange[] = [];
  #live = 0;
  #overflow: Record<"counter" | "gauge" | "stat", Word | Histogram> | undefined;
  #refused: Word | undefined;

  constructor(emit: (changes: MetricsChange[]) => void, options: MetricsOptions) {
    this.#emit = emit;
    this.#schedule = options.schedule ?? ((flush) => void setImmediate(flush));
    this.#budget = options.seriesBudget ?? 200_000;
    this.#onOverflow = options.onOverflow;
    const nowhere = new SharedArrayBuffer(pageWords * 8);
    this.#nowhereWord = new Word(new Float64Array(nowhere), 0);
    this.#nowhereStat = new Histogram(new Float64Array(nowhere), new Uint32Array(nowhere), 0);
  }

  add(type: "counter" | "gauge" | "stat", scopes: readonly string[], name: string): Series {
    if (this.#live >= this.#budget) return { metric: this.#overflowed(type), place: undefined };
    return this.#place(type, scopes, name);
  }

  /** A series of an ended scope: it can be written, and nobody reads it. */
  nowhere(type: "counter" | "gauge" | "stat"): Word | Histogram {
    return type === "stat" ? this.#nowhereStat : this.#nowhereWord;
  }

  /** Takes a series' memory back; `removed` must follow in the same turn. */
  free({ metric, place }: Series): void {
    if (place === undefined) return;
    this.#live -= 1;
    let freed = this.#freed.at(-1);
    if (freed?.batch !== this.#batch) {
      freed = { batch: this.#batch, words: [], pages: [] };
      this.#freed.push(freed);
    }
    metric.words = this.#nowhereWord.words;
    if (metric instanceof Word) {
      metric.index = 0;
      freed.words.push(place);
    } else {
      metric.halves = this.#nowhereStat.halves;
      metric.base = 0;
      freed.pages.push(place);
    }
  }

  removed(scopes: readonly string[]): void {
    this.#change({ change: "remove", scopes });
  }

  #place(type: "counter" | "gauge" | "stat", scopes: readonly string[], name: string): Series {
    const place = type === "stat" ? this.#takePage() : this.#takeWord();
    const { words, halves } = this.#blocks[place.block]!;
    if (type === "stat") words.fill(0, place.offset, place.offset + pageWords);
    else words[place.offset] = 0;
    this.#live += 1;
    this.#change({ change: "add", type, scopes, name, block: place.block, offset: place.offset });
    return {
      metric: type === "stat" ? new Histogram(words, halves, place.offset) : new Word(words, place.offset),
      place,
    };
  }

  #overflowed(type: "counter" | "gauge" | "stat"): Word | Histogram {
    if (this.#overflow === undefined || this.#refused === undefined) {
      this.#overflow = {
        counter: this.#place("counter", ["_overflow"], "counts").metric,
        gauge: this.nowhere("gauge"), // A sum of unlike gauges means nothing.
        stat: this.#place("stat", ["_overflow"], "values").metric,
      };
      this.#refused = this.#place("counter", ["_overflow"], "series").metric as Word;
      this.#onOverflow?.(this.#budget);
    }
    this.#refused.incr();
    return this.#overflow[type];
  }

  #takeWord(): Place {
    if (this.#freeWords.length === 0) this.#reclaim();
    if (this.#blocks.length === 0) this.#grow();
    if (this.#freeWords.length === 0) this.#split(this.#takePage(), 0);
    return this.#freeWords.pop()!;
  }

  #takePage(): Place {
    if (this.#freePages.length === 0) this.#reclaim();
    const free = this.#freePages.pop();
    if (free !== undefined) return free;
    const last = this.#blocks.at(-1);
    if (last === undefined || this.#nextPage * pageWords >= last.words.length) this.#grow();
    const place = { block: this.#blocks.length - 1, offset: this.#nextPage * pageWords };
    this.#nextPage += 1;
    return place;
  }

  /** Makes a page one of words. */
  #split({ block, offset }: Place, first: number): void {
    for (let word = pageWords - 1; word >= first; word -= 1)
      this.#freeWords.push({ block, offset: offset + word });
  }

  #grow(): void {
    const pages = blockPages[this.#blocks.length] ?? laterBlockPages;
    const memory = new SharedArrayBuffer(pages * pageWords * 8);
    this.#blocks.push({ words: new Float64Array(memory), halves: new Uint32Array(memory) });
    this.#nextPage = 0;
    this.#change({ change: "block", memory });
    if (this.#blocks.length > 1) return;
    this.#split({ block: 0, offset: 0 }, 1); // Word 0 is the reader's.
    this.#nextPage = 1;
  }

  /** Frees what the reader knows to have ended. */
  #reclaim(): void {
    const applied = this.#blocks[0]?.words[0] ?? 0;
    while (this.#freed.length > 0 && this.#freed[0]!.batch <= applied) {
      const { words, pages } = this.#freed.shift()!;
      for (const place of words) this.#freeWords.push(place);
      for (const place of pages) this.#freePages.push(place);
    }
  }

  #change(change: MetricsChange): void {
    this.#changes.push(change);
    if (this.#changes.length === 1) this.#schedule(() => this.#flush());
  }

  #flush(): void {
    const changes = this.#changes;
    this.#changes = [];
    this.#batch += 1;
    this.#emit(changes);
  }
}
