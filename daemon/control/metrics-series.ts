/** Series as the control thread reads them: the parts that the workers write, summed when somebody asks. */
import type { StatSummary } from "../../plugins/contract.ts";
import { bucketCount, emptySummary, perOctave, summarize } from "../shared/histogram.ts";
import { type Block, offsetBits, offsetMask, statLayout } from "../shared/metrics-space.ts";

/** Where one worker writes a series. */
export interface Part extends Block {
  /** All of that worker's, as far as they are known. */
  readonly blocks: readonly Block[];
  /** In 64-bit words. */
  readonly offset: number;
}

/** A series of some workers. */
export type Series = CounterSeries | GaugeSeries | StatSeries;

abstract class PartedSeries {
  readonly scopes: readonly string[];
  readonly name: string;
  readonly parts: Part[] = [];

  constructor(scopes: readonly string[], name: string) {
    this.scopes = scopes;
    this.name = name;
  }

  join(part: Part): void {
    this.parts.push(part);
  }

  leave(part: Part): void {
    this.parts.splice(this.parts.indexOf(part), 1);
  }

  protected sum(): number {
    let sum = 0;
    for (const { words, offset } of this.parts) sum += words[offset]!;
    return sum;
  }
}

/** A counter: what is being counted, and what those that ended had counted. */
export class CounterSeries extends PartedSeries {
  readonly type = "counter";
  #base = 0;

  get value(): number {
    return this.#base + this.sum();
  }

  override leave(part: Part): void {
    this.#base += part.words[part.offset]!;
    super.leave(part);
  }
}

/** How a gauge of several workers is told as one. */
const mergeOf = (scopes: readonly string[], name: string): "sum" | "max" | "min" => {
  const full = [...scopes, name].join("/");
  // Each worker tells these of the same thing: adding them up would show two replicas where there is one.
  if (full.endsWith("/loadbalancer/available")) return "min";
  return /\/loadbalancer\/(?!load$)|\/originator$/.test(full) ? "max" : "sum";
};

/** A gauge: the sum over the workers, but for what they all tell of the same thing. */
export class GaugeSeries extends PartedSeries {
  readonly type = "gauge";
  readonly #merge: "sum" | "max" | "min";

  constructor(scopes: readonly string[], name: string) {
    super(scopes, name);
    this.#merge = mergeOf(scopes, name);
  }

  get value(): number {
    if (this.#merge === "sum") return this.sum();
    let value = this.parts.length === 0 ? 0 : this.#merge === "max" ? -Infinity : Infinity;
    for (const { words, offset } of this.parts) value = Math[this.#merge](value, words[offset]!);
    return value;
  }
}

/** A gauge that is computed when it is read. */
export class ComputedGauge {
  readonly type = "gauge";
  readonly scopes: readonly string[];
  readonly name: string;
  readonly #read: () => number;

  constructor(scopes: readonly string[], name: string, read: () => number) {
    this.scopes = scopes;
    this.name = name;
    this.#read = read;
  }

  get value(): number {
    return this.#read();
  }
}

/** What of a part was in an interval that is closed already. */
interface Seen {
  count: number;
  sum: number;
  low: number;
  buckets: Uint32Array;
}

/** The lowest bucket in use. */
const lowOf = ({ halves, offset }: Part): number => bucketCount - halves[offset * 2 + statLayout.bottom]!;

/** One above the highest bucket in use. */
const highOf = ({ halves, offset }: Part): number => halves[offset * 2 + statLayout.top]!;

const none = new Uint32Array(0);

// How often a bucket was met; a segment in a block that has not been told of yet counts in the next interval.
function countIn({ halves, blocks, offset }: Part, bucket: number): number {
  const start = offset * 2;
  if (bucket === 0) return halves[start + statLayout.zero]!;
  const octave = Math.floor((bucket - 1) / perOctave);
  const at = halves[start + statLayout.segments + octave]!;
  if (at === 0) return 0;
  const block = blocks[at >>> offsetBits];
  return block?.halves[(at & offsetMask) * 2 + bucket - 1 - octave * perOctave] ?? 0;
}

/** All zero between uses. */
const merged = new Uint32Array(bucketCount);

/** A distribution. */
export class StatSeries extends PartedSeries {
  readonly type = "stat";
  /** The last closed interval; undefined before the first. */
  snapshot: StatSummary | undefined;
  readonly #seen = new Map<Part, Seen>();
  readonly #total = { count: 0, sum: 0 };
  readonly #base = { count: 0, sum: 0 };
  /** What parts that left had recorded in this interval. */
  #carry: { readonly buckets: Uint32Array; sum: number } | undefined;

  /** The same object at every call. */
  get total(): { readonly count: number; readonly sum: number } {
    let { count, sum } = this.#base;
    for (const { words, offset } of this.parts) {
      count += words[offset + statLayout.count]!;
      sum += words[offset + statLayout.sum]!;
    }
    this.#total.count = count;
    this.#total.sum = sum;
    return this.#total;
  }

  override join(part: Part): void {
    super.join(part);
    this.#seen.set(part, { count: 0, sum: 0, low: 0, buckets: none });
  }

  override leave(part: Part): void {
    this.#base.count += part.words[part.offset + statLayout.count]!;
    this.#base.sum += part.words[part.offset + statLayout.sum]!;
    this.#carry ??= { buckets: new Uint32Array(bucketCount), sum: 0 };
    this.#carry.sum += this.#take(part, this.#carry.buckets);
    this.#seen.delete(part);
    super.leave(part);
  }

  /** Summarises what was recorded since the last call. */
  closeInterval(): void {
    const carry = this.#carry;
    if (carry === undefined && this.parts.every((part) => this.#unchanged(part))) {
      this.snapshot = emptySummary;
      return;
    }
    let sum = 0;
    let low = bucketCount;
    let high = 0;
    if (carry !== undefined) {
      merged.set(carry.buckets);
      sum += carry.sum;
      low = 0;
      high = bucketCount;
      this.#carry = undefined;
    }
    for (const part of this.parts) {
      sum += this.#take(part, merged);
      low = Math.min(low, lowOf(part));
      high = Math.max(high, highOf(part));
    }
    this.snapshot = summarize(merged, low, high, sum);
    merged.fill(0, low, high);
  }

  #unchanged(part: Part): boolean {
    return this.#seen.get(part)!.count === part.words[part.offset + statLayout.count];
  }

  /** Adds to `into` what a part recorded since it was last seen; answers the sum of those values. */
  #take(part: Part, into: Uint32Array): number {
    const { words, offset } = part;
    const low = lowOf(part);
    const high = highOf(part);
    const seen = this.#seen.get(part)!;
    const count = words[offset + statLayout.count]!;
    if (count === seen.count) return 0;
    if (low < seen.low || seen.buckets.length < high - low) {
      const buckets = new Uint32Array(high - low);
      if (seen.buckets.length > 0) buckets.set(seen.buckets, seen.low - low);
      seen.low = low;
      seen.buckets = buckets;
    }
    for (let bucket = low; bucket < high; bucket += 1) {
      const now = countIn(part, bucket);
      // Both are modulo 2^32, and so is their difference.
      into[bucket]! += (now - seen.buckets[bucket - seen.low]!) >>> 0;
      seen.buckets[bucket - seen.low] = now;
    }
    const sum = words[offset + statLayout.sum]! - seen.sum;
    seen.sum += sum;
    seen.count = count;
    return sum;
  }
}
