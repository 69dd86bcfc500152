/** The shared blocks of a metrics memory: gives out words and pages, takes them back, and tells the reader. */
import type { MetricsChange } from "./messages.ts";
import { Histogram, pageWords, Word } from "./metrics-cells.ts";

/** How a metrics memory is kept. */
export interface MetricsOptions {
  /** How many series may live at once; further ones share the series `_overflow`. Default 200 000. */
  readonly seriesBudget?: number;
  /** Called once, when the budget is first used up. */
  readonly onOverflow?: (budget: number) => void;
  /** When a batch of changes goes out; default `setImmediate`. */
  readonly schedule?: (flush: () => void) => void;
}

/** Where a series lies. */
export interface Place {
  readonly block: number;
  readonly offset: number;
}

/** A series that is written. */
export interface Series {
  readonly metric: Word | Histogram;
  /** Undefined for what writes to `_overflow`. */
  readonly place: Place | undefined;
}

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

/** The memory of one writer. */
export class Memory {
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

  /** A new series, or the one that stands for all beyond the budget. */
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

  /** Everything below some scopes has been given back. */
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
