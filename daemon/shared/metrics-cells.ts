/** The words that metrics are written to: what the hot path touches, so it allocates nothing. */
import type { Counter, Gauge, Stat } from "../../plugins/contract.ts";
import { bucketCount, bucketOf, maxValue } from "./histogram.ts";

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

/** A word that counts or tells; after its end it writes where nobody reads. */
export class Word implements Counter, Gauge {
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
export class Histogram implements Stat {
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
