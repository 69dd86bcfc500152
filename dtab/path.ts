/** Path: a name, as a list of segments of bytes. */
import { isLabelChar, Parser } from "./parser.ts";

/**
 * An immutable name. Segments are byte strings: each character is one byte (U+0000 to U+00FF), as header values come
 * from the wire. `read` and `show` are inverse.
 */
export class Path {
  readonly segments: readonly string[];
  /** Whoever meets the same path again and again may keep here what it knows of it. */
  known: unknown = undefined;
  #shown: string | undefined = undefined;

  /** Takes the segments unchecked; use `Path.of`. */
  private constructor(segments: readonly string[]) {
    this.segments = segments;
  }

  /** `/`. */
  static readonly empty: Path = new Path([]);

  /** Reads `/a/b`; throws `DtabSyntaxError`. */
  static read(text: string): Path {
    const parser = new Parser(text);
    const segments = parser.segments();
    parser.end();
    return Path.#make(segments);
  }

  /** A path of segments that are byte strings already; throws `RangeError` on an empty one and on wider characters. */
  static of(...segments: readonly string[]): Path {
    for (const segment of segments) checkBytes(segment);
    return Path.#make(segments);
  }

  /** A path of ordinary strings, encoded in UTF-8; throws `RangeError` on an empty one. */
  static utf8(...strings: readonly string[]): Path {
    return Path.of(...strings.map(utf8Bytes));
  }

  static #make(segments: readonly string[]): Path {
    return segments.length === 0 ? Path.empty : new Path(segments);
  }

  /** How many segments. */
  get size(): number {
    return this.segments.length;
  }

  /** Whether this is `/`. */
  get isEmpty(): boolean {
    return this.segments.length === 0;
  }

  /** The first `n` segments, or all of them. */
  take(n: number): Path {
    return n >= this.size ? this : Path.#make(this.segments.slice(0, Math.max(n, 0)));
  }

  /** All but the first `n` segments. */
  drop(n: number): Path {
    return n <= 0 ? this : Path.#make(this.segments.slice(n));
  }

  /** This path followed by another. */
  concat(other: Path): Path {
    if (other.isEmpty) return this;
    return this.isEmpty ? other : new Path([...this.segments, ...other.segments]);
  }

  /** Whether `prefix` is the beginning of this path, by whole segments. */
  startsWith(prefix: Path): boolean {
    return prefix.size <= this.size && prefix.segments.every((segment, i) => segment === this.segments[i]);
  }

  /** Whether both have the same bytes. */
  equals(other: Path): boolean {
    return this === other || (this.size === other.size && this.startsWith(other));
  }

  /** The canonical text, kept after the first call. */
  show(): string {
    return (this.#shown ??= this.isEmpty ? "/" : showSegments(this.segments));
  }

  /** The same as `show`. */
  toString(): string {
    return this.show();
  }

  /** The same as `show`. */
  toJSON(): string {
    return this.show();
  }

  /** The segments decoded from UTF-8, with U+FFFD for what is not. */
  decode(): string[] {
    return this.segments.map(fromUtf8Bytes);
  }
}

/** A segment as it is written: as it is if all of its characters are legal, else wholly in hex. */
export function showSegment(segment: string): string {
  for (let i = 0; i < segment.length; i++) {
    if (!isLabelChar(segment.charCodeAt(i))) return showHex(segment);
  }
  return segment;
}

/** The id below the prefixes that transformers put before it (`/%/…`): what begins with `/#` or `/$`, or `/`. */
export function stripTransformerPrefix(id: Path): Path {
  if (id.segments[0] !== "%") return id;
  const start = id.segments.findIndex((segment) => segment === "#" || segment === "$");
  return start < 0 ? Path.empty : id.drop(start);
}

/** Encodes a string in UTF-8, one character per byte. */
export function utf8Bytes(text: string): string {
  let bytes = "";
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return bytes;
}

/** Decodes a byte string from UTF-8. */
export const fromUtf8Bytes = (bytes: string): string =>
  new TextDecoder().decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));

function showSegments(segments: readonly string[]): string {
  let shown = "";
  for (const segment of segments) shown += "/" + showSegment(segment);
  return shown;
}

function showHex(segment: string): string {
  let shown = "";
  for (let i = 0; i < segment.length; i++)
    shown += "\\x" + segment.charCodeAt(i).toString(16).padStart(2, "0");
  return shown;
}

function checkBytes(segment: string): void {
  if (segment.length === 0) throw new RangeError("a path has no empty segments");
  for (let i = 0; i < segment.length; i++) {
    if (segment.charCodeAt(i) > 0xff) throw new RangeError(`not a byte string: ${JSON.stringify(segment)}`);
  }
}
