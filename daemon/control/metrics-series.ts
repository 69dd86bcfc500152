/** Series as the control thread reads them: the parts that the workers write, summed when somebody asks. */
import type { StatSummary } from "../../plugins/contract.ts";
import { bucketCount, emptySummary, perOctave, summarize } from "../shared/histogram.ts";
import { type Block, offsetBits, offsetMask, statLayout } from "../shared/metrics-space.ts";

/** The memory of one writer, as far as it is known. */
export interface Writer {
  readonly blocks: readonly Block[];
}

/** Where a writer writes a series. */
export interface Part {
  readonly writer: Writer;
  /** The block's number above `offsetBits`, and the offset in words. */
  readonly at: number;
}

/** The scope of a series. */
export interface Placed {
  /** Its elements, from the root on. */
  path(): readonly string[];
}

/** A series of some writers. */
export type Series = CounterSeries | GaugeSeries | StatSeries;

abstract class PlacedSeries {
  readonly #scope: Placed;
  readonly name: string;

  constructor(scope: Placed, name: string) {
    this.#scope = scope;
    this.name = name;
  }

  get scopes(): readonly string[] {
    return this.#scope.path();
  }
}

const read = ({ blocks }: Writer, at: number): number => blocks[at >>> offsetBits]!.words[at & offsetMask]!;

/** A series of one word for each writer, of which there is nearly always one: it is kept here, and no object for it. */
abstract class WordSeries extends PlacedSeries {
  #writer: Writer | undefined;
  #at = 0;
  #others: Part[] | undefined;

  get isOrphan(): boolean {
    return this.#writer === undefined;
  }

  join(writer: Writer, at: number): void {
    if (this.#writer === undefined) {
      this.#writer = writer;
      this.#at = at;
    } else (this.#others ??= []).push({ writer, at });
  }

  /** A writer has ended it; what it says last, undefined if it does not write it. */
  leave(writer: Writer): number | undefined {
    if (this.#writer === writer) {
      const last = read(writer, this.#at);
      const next = this.#others?.pop();
      this.#writer = next?.writer;
      this.#at = next?.at ?? 0;
      return last;
    }
    const found = this.#others?.findIndex((part) => part.writer === writer) ?? -1;
    if (found === -1) return undefined;
    const [part] = this.#others!.splice(found, 1);
    return read(writer, part!.at);
  }

  protected sum(): number {
    if (this.#writer === undefined) return 0;
    let sum = read(this.#writer, this.#at);
    if (this.#others !== undefined) for (const { writer, at } of this.#others) sum += read(writer, at);
    return sum;
  }

  /** What each writer says, if there are several. */
  protected all(): readonly number[] | undefined {
    if (this.#writer === undefined || this.#others === undefined) return undefined;
    return [read(this.#writer, this.#at), ...this.#others.map(({ writer, at }) => read(writer, at))];
  }
}

/** A counter: what is being counted, and what those that ended had counted. */
export class CounterSeries extends WordSeries {
  readonly type = "counter";
  #base = 0;

  get value(): number {
    return this.#base + this.sum();
  }

  override leave(writer: Writer): number | undefined {
    const last = super.leave(writer);
    this.#base += last ?? 0;
    return last;
  }
}

/** How a gauge of several workers is told as one. */
const mergeOf = (full: string): "sum" | "max" | "min" => {
  // Each worker tells these of the same thing: adding them up would show two replicas where there is one.
  if (full.endsWith("/loadbalancer/available")) return "min";
  return /\/loadbalancer\/(?!load$)|\/originator$/.test(full) ? "max" : "sum";
};

/** A gauge: the sum over the workers, but for what they all tell of the same thing. */
export class GaugeSeries extends WordSeries {
  readonly type = "gauge";

  get value(): number {
    const all = this.all();
    if (all === undefined) return this.sum();
    const merge = mergeOf([...this.scopes, this.name].join("/"));
    return merge === "sum" ? this.sum() : Math[merge](...all);
  }
}

/** A gauge that is computed when it is read. */
export class ComputedGauge extends PlacedSeries {
  readonly type = "gauge";
  readonly #read: () => number;

  constructor(scope: Placed, name: string, read: () => number) {
    super(scope, name);
    this.#read = read;
  }

  get value(): number {
    return this.#read();
  }
}

/** A part of a distribution, with what of it was in an interval that is closed already. */
interface StatPart extends Part {
  readonly block: Block;
  /** In 64-bit words. */
  readonly offset: number;
  count: number;
  sum: number;
  low: number;
  /** Modulo 2^32, from `low` on. */
  buckets: number[];
}

/** The lowest bucket in use. */
const lowOf = ({ block, offset }: StatPart): number =>
  bucketCount - block.halves[offset * 2 + statLayout.bottom]!;

/** One above the highest bucket in use. */
const highOf = ({ block, offset }: StatPart): number => block.halves[offset * 2 + statLayout.top]!;

const none: number[] = [];

// How often a bucket was met; a segment in a block that has not been told of yet counts in the next interval.
function countIn({ writer, block, offset }: StatPart, bucket: number): number {
  const start = offset * 2;
  if (bucket === 0) return block.halves[start + statLayout.zero]!;
  const octave = Math.floor((bucket - 1) / perOctave);
  const at = block.halves[start + statLayout.segments + octave]!;
  if (at === 0) return 0;
  const segment = writer.blocks[at >>> offsetBits];
  return segment?.halves[(at & offsetMask) * 2 + bucket - 1 - octave * perOctave] ?? 0;
}

/** All zero between uses. */
const merged = new Uint32Array(bucketCount);

/** A distribution. */
export class StatSeries extends PlacedSeries {
  readonly type = "stat";
  /** The last closed interval; undefined before the first. */
  snapshot: StatSummary | undefined;
  readonly #parts: StatPart[] = [];
  /** What those that ended had recorded. */
  #baseCount = 0;
  #baseSum = 0;
  /** The same in this interval. */
  #carry: { readonly buckets: Uint32Array; sum: number } | undefined;

  get isOrphan(): boolean {
    return this.#parts.length === 0;
  }

  get total(): { readonly count: number; readonly sum: number } {
    let count = this.#baseCount;
    let sum = this.#baseSum;
    for (const { block, offset } of this.#parts) {
      count += block.words[offset + statLayout.count]!;
      sum += block.words[offset + statLayout.sum]!;
    }
    return { count, sum };
  }

  join(writer: Writer, at: number): void {
    const block = writer.blocks[at >>> offsetBits]!;
    const offset = at & offsetMask;
    this.#parts.push({ writer, at, block, offset, count: 0, sum: 0, low: 0, buckets: none });
  }

  /** A writer has ended it; undefined if it does not write it. */
  leave(writer: Writer): number | undefined {
    const found = this.#parts.findIndex((part) => part.writer === writer);
    if (found === -1) return undefined;
    const part = this.#parts[found]!;
    const { block, offset } = part;
    this.#baseCount += block.words[offset + statLayout.count]!;
    this.#baseSum += block.words[offset + statLayout.sum]!;
    this.#carry ??= { buckets: new Uint32Array(bucketCount), sum: 0 };
    this.#carry.sum += this.#take(part, this.#carry.buckets);
    this.#parts.splice(found, 1);
    return this.#baseCount;
  }

  /** Summarises what was recorded since the last call. */
  closeInterval(): void {
    const carry = this.#carry;
    if (carry === undefined && this.#isUnchanged()) {
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
    for (const part of this.#parts) {
      sum += this.#take(part, merged);
      low = Math.min(low, lowOf(part));
      high = Math.max(high, highOf(part));
    }
    this.snapshot = summarize(merged, low, high, sum);
    merged.fill(0, low, high);
  }

  #isUnchanged(): boolean {
    for (const { count, block, offset } of this.#parts)
      if (count !== block.words[offset + statLayout.count]) return false;
    return true;
  }

  /** Adds to `into` what a part recorded since it was last seen; answers the sum of those values. */
  #take(part: StatPart, into: Uint32Array): number {
    const { words } = part.block;
    const low = lowOf(part);
    const high = highOf(part);
    const count = words[part.offset + statLayout.count]!;
    if (count === part.count) return 0;
    if (low < part.low || part.buckets.length < high - low) {
      const buckets = new Array<number>(high - low).fill(0);
      for (const [at, seen] of part.buckets.entries()) buckets[part.low - low + at] = seen;
      part.low = low;
      part.buckets = buckets;
    }
    for (let bucket = low; bucket < high; bucket += 1) {
      const now = countIn(part, bucket);
      // Both are modulo 2^32, and so is their difference.
      into[bucket]! += (now - part.buckets[bucket - part.low]!) >>> 0;
      part.buckets[bucket - part.low] = now;
    }
    const sum = words[part.offset + statLayout.sum]! - part.sum;
    part.sum += sum;
    part.count = count;
    return sum;
  }
}
