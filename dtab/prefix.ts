/** Prefix: the left side of a dentry, a path in which a segment may be `*`. */
import { Parser } from "./parser.ts";
import { type Path, showSegment } from "./path.ts";

/** One element of a prefix: a segment as a byte string, or any one segment. */
export type PrefixElement = { readonly tag: "any" } | { readonly tag: "label"; readonly label: string };

const any: PrefixElement = { tag: "any" };

/** An immutable prefix. */
export class Prefix {
  readonly elements: readonly PrefixElement[];

  constructor(elements: readonly PrefixElement[]) {
    this.elements = elements;
  }

  /** `/`, which matches everything. */
  static readonly empty: Prefix = new Prefix([]);

  /** Reads `/a/*`; throws `DtabSyntaxError`. */
  static read(text: string): Prefix {
    const parser = new Parser(text);
    const prefix = parsePrefix(parser);
    parser.end();
    return prefix;
  }

  /** The prefix that matches exactly what begins with `path`. */
  static of(path: Path): Prefix {
    return new Prefix(path.segments.map((label) => ({ tag: "label", label })));
  }

  /** How many segments it takes. */
  get size(): number {
    return this.elements.length;
  }

  /** Whether a path begins with it. */
  matches(path: Path): boolean {
    if (path.size < this.size) return false;
    return this.elements.every((element, i) => element.tag === "any" || element.label === path.segments[i]);
  }

  /** Whether both are written alike. */
  equals(other: Prefix): boolean {
    return this.show() === other.show();
  }

  /** The canonical text. */
  show(): string {
    if (this.size === 0) return "/";
    return this.elements.map((each) => `/${each.tag === "any" ? "*" : showSegment(each.label)}`).join("");
  }
}

/** Reads a prefix where a parser stands. */
export function parsePrefix(parser: Parser): Prefix {
  parser.skip();
  parser.eat("/");
  if (parser.peek() !== "*" && !parser.atLabel()) return Prefix.empty;
  const elements: PrefixElement[] = [];
  do elements.push(parser.maybe("*") ? any : { tag: "label", label: parser.label() });
  while (parser.maybe("/"));
  return new Prefix(elements);
}
