/** A bounded cache from request text to what was made of it: nothing that a request says may grow without limit. */

/** Remembers at most `capacity` results; the ones not used for the longest are forgotten half at a time. */
export class BoundedMemo<V> {
  readonly #half: number;
  readonly #maxKeyLength: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  /** Texts longer than `maxKeyLength` are not worth keeping. */
  constructor(capacity: number, maxKeyLength = 1024) {
    this.#half = Math.max(1, capacity >> 1);
    this.#maxKeyLength = maxKeyLength;
  }

  /** What was remembered for a text. */
  get(text: string): V | undefined {
    const young = this.#young.get(text);
    if (young !== undefined) return young;
    const old = this.#old.get(text);
    if (old !== undefined) this.#put(text, old);
    return old;
  }

  /** Makes and remembers a value; `make` gets a copy of the text that keeps no larger string alive. */
  add(text: string, make: (text: string) => V): V {
    if (text.length > this.#maxKeyLength) return make(text);
    const own = copyOf(text);
    const value = make(own);
    this.#put(own, value);
    return value;
  }

  /** Forgets one. */
  delete(text: string): void {
    this.#young.delete(text);
    this.#old.delete(text);
  }

  /** Everything that is remembered, what was not used for the longest first. */
  *entries(): Generator<[text: string, value: V]> {
    for (const entry of this.#old) if (!this.#young.has(entry[0])) yield entry;
    yield* this.#young;
  }

  /** How many texts are remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  #put(text: string, value: V): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, value);
  }
}

// A part of a string holds on to the whole of it: here, to the head of the request.
function copyOf(text: string): string {
  const encoding = isLatin1.test(text) ? "latin1" : "utf16le";
  return Buffer.from(text, encoding).toString(encoding);
}

const isLatin1 = /^[\0-\xff]*$/;
