/**
 * The shared blocks of a metrics memory, cut into pieces: words, heads of distributions, such heads with the words of a flow
 * before them, and segments of buckets.
 * A page holds pieces of one kind. Where a piece lies is one number, so that shared memory can hold it too.
 */
import { perOctave } from "./histogram.ts";

/** A block as the writer and the reader see it. */
export interface Block {
  readonly words: Float64Array;
  readonly halves: Uint32Array;
}

/** Both views of a block. */
export const blockOf = (memory: SharedArrayBuffer): Block => ({
  words: new Float64Array(memory),
  halves: new Uint32Array(memory),
});

/** Where a piece lies: the block's number above so many bits for the offset in words. 0 is nowhere: that is the reader's. */
export const offsetBits = 17;
export const offsetMask = (1 << offsetBits) - 1;

/** Octaves that a distribution tells apart, each with a segment. */
export const octaves = 50;

/** Where the parts of a distribution's head lie: offsets in words, and, behind the first two, in 32-bit halves. */
export const statLayout = {
  count: 0,
  sum: 1,
  /** One above the highest bucket in use, and how far below the end the lowest one lies. */
  top: 2 * 2,
  bottom: 2 * 2 + 1,
  /** Of bucket 0, which belongs to no octave. */
  zero: 2 * 3,
  /** Where the segment of each octave lies; 0 while it has none. */
  segments: 2 * 3 + 1,
} as const;

/** Where the parts of a flow lie: offsets in words. What each request writes fills a line of the processor's cache. */
export const flowLayout = { requests: 0, success: 1, pending: 2, latency: 3 } as const;

const headWords = Math.ceil((statLayout.segments + octaves) / 2);

/** What a page is cut into, with the words that each takes. */
const sizes = {
  word: 1,
  head: headWords,
  flow: flowLayout.latency + headWords,
  segment: Math.ceil(perOctave / 2),
} as const;

/** A kind of piece. */
export type Piece = keyof typeof sizes;

/** 64-bit words in a page. */
const pageWords = 512;
/** Pages per block: the first are small, so that a daemon without traffic stays so. */
const blockPages = [16, 64] as const;
const laterBlockPages = 256;

interface Freed {
  readonly batch: number;
  readonly pieces: { readonly piece: Piece; readonly at: number }[];
}

/** The pieces of one writer. */
export class MetricsSpace {
  readonly blocks: Block[] = [];
  readonly #grown: (memory: SharedArrayBuffer) => void;
  readonly #free: Readonly<Record<Piece, number[]>> = { word: [], head: [], flow: [], segment: [] };
  readonly #freed: Freed[] = [];
  #nextPage = 0;

  /** `grown` is told of each new block, in order. */
  constructor(grown: (memory: SharedArrayBuffer) => void) {
    this.#grown = grown;
  }

  /** Where a piece lies from now on; all of it is zero. */
  take(piece: Piece): number {
    const free = this.#free[piece];
    if (free.length === 0) this.#reclaim();
    if (free.length === 0) this.#cut(piece);
    const at = free.pop()!;
    const offset = at & offsetMask;
    this.blocks[at >>> offsetBits]!.words.fill(0, offset, offset + sizes[piece]);
    return at;
  }

  /** Takes a piece back; it is used again when the reader has applied this batch. */
  give(piece: Piece, at: number, batch: number): void {
    let freed = this.#freed.at(-1);
    if (freed?.batch !== batch) {
      freed = { batch, pieces: [] };
      this.#freed.push(freed);
    }
    freed.pieces.push({ piece, at });
  }

  #cut(piece: Piece): void {
    const last = this.blocks.at(-1);
    if (last === undefined || this.#nextPage * pageWords >= last.words.length) this.#grow();
    const block = this.blocks.length - 1;
    const page = this.#nextPage++ * pageWords;
    const first = block === 0 && page === 0 ? 1 : page; // Word 0 is the reader's.
    const size = sizes[piece];
    for (let offset = page + pageWords - size; offset >= first; offset -= size)
      this.#free[piece].push(block * 2 ** offsetBits + offset);
  }

  #grow(): void {
    const pages = blockPages[this.blocks.length] ?? laterBlockPages;
    const memory = new SharedArrayBuffer(pages * pageWords * 8);
    this.blocks.push(blockOf(memory));
    this.#nextPage = 0;
    this.#grown(memory);
  }

  #reclaim(): void {
    const applied = this.blocks[0]?.words[0] ?? 0;
    while (this.#freed.length > 0 && this.#freed[0]!.batch <= applied) {
      for (const { piece, at } of this.#freed.shift()!.pieces) this.#free[piece].push(at);
    }
  }
}
