/** The words that metrics are written to: what the hot path touches, so it allocates nothing. */
import type { Counter, Gauge, Stat } from "../../plugins/contract.ts";
import { bucketCount, bucketOf, maxValue, perOctave } from "./histogram.ts";
import { type MetricsSpace, offsetBits, offsetMask, statLayout } from "./metrics-space.ts";

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

/** A distribution: a head, and a segment of buckets for each octave in which it has had a value. */
export class Histogram implements Stat {
  words: Float64Array;
  halves: Uint32Array;
  base: number;
  space: MetricsSpace;

  constructor(space: MetricsSpace, at: number) {
    const { words, halves } = space.blocks[at >>> offsetBits]!;
    this.words = words;
    this.halves = halves;
    this.base = at & offsetMask;
    this.space = space;
  }

  record(value: number): void {
    // NaN and negative durations (a clock that was set back) count as 0.
    const known = value > 0 ? Math.min(value, maxValue) : 0;
    const { words, halves, base } = this;
    const bucket = bucketOf(known);
    const start = base * 2;
    if (bucket === 0) halves[start + statLayout.zero]! += 1;
    else this.#segment(bucket);
    if (bucket >= halves[start + statLayout.top]!) halves[start + statLayout.top] = bucket + 1;
    const bottom = start + statLayout.bottom;
    if (bucketCount - bucket > halves[bottom]!) halves[bottom] = bucketCount - bucket;
    words[base + statLayout.sum]! += known;
    // Last, because a reader takes a changed count for a sign that the buckets have changed too.
    words[base + statLayout.count]! += 1;
  }

  #segment(bucket: number): void {
    const octave = ((bucket - 1) / perOctave) | 0;
    const entry = this.base * 2 + statLayout.segments + octave;
    let at = this.halves[entry]!;
    if (at === 0) this.halves[entry] = at = this.space.take("segment");
    const { halves } = this.space.blocks[at >>> offsetBits]!;
    halves[(at & offsetMask) * 2 + bucket - 1 - octave * perOctave]! += 1;
  }
}
