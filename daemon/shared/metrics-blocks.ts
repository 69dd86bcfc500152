/** The memory behind a writer's series: gives each its place, takes it back, and tells the reader. */
import type { MetricsChange } from "./messages.ts";
import { Histogram, Word } from "./metrics-cells.ts";
import { MetricsSpace, octaves, offsetBits, offsetMask, statLayout } from "./metrics-space.ts";

/** How a metrics memory is kept. */
export interface MetricsOptions {
  /** How many series may live at once; further ones share the series `_overflow`. Default 200 000. */
  readonly seriesBudget?: number;
  /** Called once, when the budget is first used up. */
  readonly onOverflow?: (budget: number) => void;
  /** When a batch of changes goes out; default `setImmediate`. */
  readonly schedule?: (flush: () => void) => void;
}

/** A series that is written. */
export interface Series {
  readonly metric: Word | Histogram;
  /** Where it lies; undefined for what writes to `_overflow`. */
  readonly at: number | undefined;
}

/** The memory of one writer. */
export class Memory {
  readonly #emit: (changes: MetricsChange[]) => void;
  readonly #schedule: (flush: () => void) => void;
  readonly #budget: number;
  readonly #onOverflow: ((budget: number) => void) | undefined;
  readonly #space = new MetricsSpace((memory) => this.#change({ change: "block", memory }));
  readonly #nowhereWord: Word;
  readonly #nowhereStat: Histogram;
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
    // Its blocks are nobody's to read, and its segments are taken once for all that end.
    const nowhere = new MetricsSpace(() => {});
    const at = nowhere.take("word");
    this.#nowhereWord = new Word(nowhere.blocks[0]!.words, at);
    this.#nowhereStat = new Histogram(nowhere, nowhere.take("head"));
  }

  /** A new series, or the one that stands for all beyond the budget. */
  add(type: "counter" | "gauge" | "stat", scopes: readonly string[], name: string): Series {
    if (this.#live >= this.#budget) return { metric: this.#overflowed(type), at: undefined };
    return this.#place(type, scopes, name);
  }

  /** A series of an ended scope: it can be written, and nobody reads it. */
  nowhere(type: "counter" | "gauge" | "stat"): Word | Histogram {
    return type === "stat" ? this.#nowhereStat : this.#nowhereWord;
  }

  /** Takes a series' memory back; `removed` must follow in the same turn. */
  free({ metric, at }: Series): void {
    if (at === undefined) return;
    this.#live -= 1;
    if (metric instanceof Word) {
      this.#space.give("word", at, this.#batch);
      metric.words = this.#nowhereWord.words;
      metric.index = this.#nowhereWord.index;
      return;
    }
    for (let octave = 0; octave < octaves; octave += 1) {
      const segment = metric.halves[metric.base * 2 + statLayout.segments + octave]!;
      if (segment !== 0) this.#space.give("segment", segment, this.#batch);
    }
    this.#space.give("head", at, this.#batch);
    Object.assign(metric, this.#nowhereStat);
  }

  /** Everything below some scopes has been given back. */
  removed(scopes: readonly string[]): void {
    this.#change({ change: "remove", scopes });
  }

  #place(type: "counter" | "gauge" | "stat", scopes: readonly string[], name: string): Series {
    const at = this.#space.take(type === "stat" ? "head" : "word");
    this.#live += 1;
    const block = at >>> offsetBits;
    const offset = at & offsetMask;
    this.#change({ change: "add", type, scopes, name, block, offset });
    const metric =
      type === "stat" ? new Histogram(this.#space, at) : new Word(this.#space.blocks[block]!.words, offset);
    return { metric, at };
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
