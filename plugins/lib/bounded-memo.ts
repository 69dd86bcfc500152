/** A bounded cache from request text to what was made of it: nothing that a request says may grow without limit. */

/** What was made of a text; `text` is a copy, which keeps no larger string alive. */
interface Entry<V> {
  readonly text: string;
  readonly value: V;
}

/** Room for this many characters to each text that may be remembered: long ones are fewer. */
const charsEach = 64;

/** Remembers at most `capacity` results; the ones not used for the longest are forgotten half at a time. */
export class BoundedMemo<V> {
  readonly #half: number;
  readonly #maxKeyLength: number;
  /** Characters of the young ones. */
  #chars = 0;
  #young = new Map<string, Entry<V>>();
  #old = new Map<string, Entry<V>>();
  /** The usual text is the last one again, and to compare is less than to look up. */
  #last: Entry<V> | undefined;

  /** Texts longer than `maxKeyLength` are not worth keeping. */
  constructor(capacity: number, maxKeyLength = 1024) {
    this.#half = Math.max(1, capacity >> 1);
    this.#maxKeyLength = maxKeyLength;
  }

  /** What was remembered for a text. */
  get(text: string): V | undefined {
    if (this.#last?.text === text) return this.#last.value;
    let entry = this.#young.get(text);
    if (entry === undefined) {
      entry = this.#old.get(text);
      if (entry === undefined) return undefined;
      this.#put(entry);
    }
    this.#last = entry;
    return entry.value;
  }

  /** Makes and remembers a value; `make` gets a copy of the text that keeps no larger string alive. */
  add(text: string, make: (text: string) => V): V {
    if (text.length > this.#maxKeyLength) return make(text);
    const own = copyOf(text);
    const value = make(own);
    this.#last = { text: own, value };
    this.#put(this.#last);
    return value;
  }

  /** Forgets one. */
  delete(text: string): void {
    if (this.#last?.text === text) this.#last = undefined;
    this.#young.delete(text);
    this.#old.delete(text);
  }

  /** Everything that is remembered, what was not used for the longest first. */
  *entries(): Generator<[text: string, value: V]> {
    for (const { text, value } of this.#old.values()) if (!this.#young.has(text)) yield [text, value];
    for (const { text, value } of this.#young.values()) yield [text, value];
  }

  /** How many texts are remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  #put(entry: Entry<V>): void {
    if (this.#young.size >= this.#half || this.#chars >= this.#half * charsEach) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#chars = 0;
    }
    this.#chars += entry.text.length;
    this.#young.set(entry.text, entry);
  }
}

// A part of a string holds on to the whole of it: here, to the head of the request.
function copyOf(text: string): string {
  const encoding = isLatin1.test(text) ? "latin1" : "utf16le";
  return Buffer.from(text, encoding).toString(encoding);
}

const isLatin1 = /^[\0-\xff]*$/;
