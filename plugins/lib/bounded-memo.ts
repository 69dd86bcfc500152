/** A bounded cache from request text to what was made of it: nothing that a request says may grow without limit. */

/** What was made of a text and what stood beside it, as copies, which keep no larger string alive. */
interface Entry<V> {
  readonly text: string;
  readonly beside: string;
  readonly value: V;
}

/** Room for this many characters to each text that may be remembered: long ones are fewer. */
const charsEach = 64;

/**
 * Remembers at most `capacity` results; the ones not used for the longest are forgotten half at a time. Of two texts with
 * the same hash the first is forgotten, which costs what any new text costs, even if somebody makes such texts on purpose. To
 * look a string up in a `Map` costs more each time, since V8 must find out first whether it has that string already.
 */
export class BoundedMemo<V> {
  readonly #half: number;
  readonly #maxKeyLength: number;
  /** Characters of the young ones. */
  #chars = 0;
  #young = new Map<number, Entry<V>>();
  #old = new Map<number, Entry<V>>();
  /** The usual text is the last one again, and to compare is less than to look up. */
  #last: Entry<V> | undefined;

  /** Texts longer than `maxKeyLength` are not worth keeping. */
  constructor(capacity: number, maxKeyLength = 1024) {
    this.#half = Math.max(1, capacity >> 1);
    this.#maxKeyLength = maxKeyLength;
  }

  /** What was remembered for a text; `beside` is a second text that tells it from others. */
  get(text: string, beside = ""): V | undefined {
    const last = this.#last;
    if (last !== undefined && last.text === text && last.beside === beside) return last.value;
    const hash = hashOf(text, beside);
    let entry = this.#young.get(hash);
    if (entry === undefined || entry.text !== text || entry.beside !== beside) {
      entry = this.#old.get(hash);
      if (entry === undefined || entry.text !== text || entry.beside !== beside) return undefined;
      this.#put(hash, entry);
    }
    this.#last = entry;
    return entry.value;
  }

  /** Makes and remembers a value; `make` gets copies of the texts, which keep no larger string alive. */
  add(text: string, make: (text: string, beside: string) => V, beside = ""): V {
    if (text.length + beside.length > this.#maxKeyLength) return make(text, beside);
    const own = copyOf(text);
    const ownBeside = copyOf(beside);
    const entry = { text: own, beside: ownBeside, value: make(own, ownBeside) };
    this.#last = entry;
    this.#put(hashOf(text, beside), entry);
    return entry.value;
  }

  /** Forgets one. */
  delete(text: string, beside = ""): void {
    this.#last = undefined;
    const hash = hashOf(text, beside);
    for (const entries of [this.#young, this.#old]) {
      const entry = entries.get(hash);
      if (entry?.text === text && entry.beside === beside) entries.delete(hash);
    }
  }

  /** Everything that is remembered, what was not used for the longest first. */
  *entries(): Generator<[text: string, value: V]> {
    for (const [hash, { text, value }] of this.#old) if (!this.#young.has(hash)) yield [text, value];
    for (const { text, value } of this.#young.values()) yield [text, value];
  }

  /** How many texts are remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  #put(hash: number, entry: Entry<V>): void {
    if (this.#young.size >= this.#half || this.#chars >= this.#half * charsEach) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#chars = 0;
    }
    this.#chars += entry.text.length + entry.beside.length;
    this.#young.set(hash, entry);
  }
}

/** FNV-1a over the characters of both. */
function hashOf(text: string, beside: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  for (let at = 0; at < beside.length; at++) hash = Math.imul(hash ^ beside.charCodeAt(at), 0x01000193);
  return hash;
}

// A part of a string holds on to the whole of it: here, to the head of the request. Short parts are copies by themselves.
function copyOf(text: string): string {
  if (text.length < shortestPart) return text;
  const encoding = isLatin1.test(text) ? "latin1" : "utf16le";
  return Buffer.from(text, encoding).toString(encoding);
}

/** From this length on V8 makes a part of a string refer to the whole of it. */
const shortestPart = 13;

const isLatin1 = /^[\0-\xff]*$/;
