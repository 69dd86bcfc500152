/** The series as they are written: what the hot path touches, so it allocates nothing. */
import type { Counter, Flow, Gauge, Stat } from "../../plugins/contract.ts";
import { bucketCount, bucketOf, maxValue, perOctave } from "./histogram.ts";
import { flowLayout, type MetricsSpace, offsetBits, offsetMask, statLayout } from "./metrics-space.ts";

/** What a series may be, or a group of series that are written together. */
export type CellType = "counter" | "gauge" | "stat" | "flow";

/** A series of a scope, or a group, which the scope keeps in a chain: there are dozens to each client. */
export type Cell = Word | Histogram;

/** A word that counts or tells; after its end it writes where nobody reads. */
export class Word implements Counter, Gauge {
  readonly type: "counter" | "gauge";
  readonly name: string;
  words: Float64Array;
  at: number;
  next: Cell | undefined = undefined;

  constructor(type: "counter" | "gauge", name: string, words: Float64Array, at: number) {
    this.type = type;
    this.name = name;
    this.words = words;
    this.at = at;
  }

  incr(by = 1): void {
    this.words[this.at & offsetMask]! += by;
  }

  set(value: number): void {
    this.words[this.at & offsetMask] = value;
  }

  add(delta: number): void {
    this.words[this.at & offsetMask]! += delta;
  }

  /** Writes where another word does from now on. */
  move({ words, at }: Word): void {
    this.words = words;
    this.at = at;
  }
}

/** A distribution: a head, and a segment of buckets for each octave in which it has had a value. */
export class Histogram implements Stat {
  readonly type: "stat" | "flow" = "stat";
  readonly name: string;
  words: Float64Array;
  halves: Uint32Array;
  space: MetricsSpace;
  at: number;
  next: Cell | undefined = undefined;

  constructor(name: string, space: MetricsSpace, at: number) {
    const { words, halves } = space.blocks[at >>> offsetBits]!;
    this.name = name;
    this.words = words;
    this.halves = halves;
    this.space = space;
    this.at = at;
  }

  record(value: number): void {
    // NaN and negative durations (a clock that was set back) count as 0.
    const known = value > 0 ? Math.min(value, maxValue) : 0;
    const { words, halves } = this;
    const base = this.at & offsetMask;
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
    const entry = (this.at & offsetMask) * 2 + statLayout.segments + octave;
    let at = this.halves[entry]!;
    if (at === 0) this.halves[entry] = at = this.space.take("segment");
    const { halves } = this.space.blocks[at >>> offsetBits]!;
    halves[(at & offsetMask) * 2 + bucket - 1 - octave * perOctave]! += 1;
  }

  /** Writes where another distribution does from now on. */
  move({ words, halves, space, at }: Histogram): void {
    this.words = words;
    this.halves = halves;
    this.space = space;
    this.at = at;
  }
}

const { requests, success, pending, latency } = flowLayout;

/** The series of a flow: its words lie before the head of its latency, which `at` tells. */
export class FlowCell extends Histogram implements Flow {
  override readonly type = "flow";

  begin(): void {
    this.words[(this.at & offsetMask) - latency + pending]! += 1;
  }

  end(succeeded: boolean, elapsedMs: number): void {
    const base = (this.at & offsetMask) - latency;
    const { words } = this;
    words[base + pending]! -= 1;
    words[base + requests]! += 1;
    if (succeeded) words[base + success]! += 1;
    this.record(elapsedMs);
  }

  drop(): void {
    this.words[(this.at & offsetMask) - latency + pending]! -= 1;
  }
}
