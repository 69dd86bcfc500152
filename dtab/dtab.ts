/** Dentry and Dtab: the delegation table. */
import { DtabIndex } from "./dtab-index.ts";
import { NameTree, parseTree } from "./name-tree.ts";
import { Parser } from "./parser.ts";
import type { Path } from "./path.ts";
import { type Prefix, parsePrefix } from "./prefix.ts";

/** One rule: names that begin with `prefix` are looked for in `dst`, with the rest of the name appended. */
export interface Dentry {
  readonly prefix: Prefix;
  readonly dst: NameTree<Path>;
}

/** Operations on one rule. */
export const Dentry = {
  /** Reads `/a => /b`; throws `DtabSyntaxError`. */
  read: (text: string): Dentry => {
    const parser = new Parser(text);
    const dentry = parseDentry(parser);
    parser.end();
    return dentry;
  },
  /** `prefix=>dst`. */
  show: ({ prefix, dst }: Dentry): string => `${prefix.show()}=>${NameTree.show(dst)}`,
  /** As `show`, with weights in full. */
  showExact: ({ prefix, dst }: Dentry): string => `${prefix.show()}=>${NameTree.showExact(dst)}`,
  /** Whether both are written alike. */
  equals: (a: Dentry, b: Dentry): boolean =>
    a.prefix.equals(b.prefix) && NameTree.equals(a.dst, b.dst, pathEquals),
  /** What the rule makes of a path that its prefix matches. */
  apply: ({ prefix, dst }: Dentry, path: Path): NameTree<Path> => {
    const rest = path.drop(prefix.size);
    return rest.isEmpty ? dst : NameTree.map(dst, (leaf) => leaf.concat(rest));
  },
};

/** Tables smaller than this are merged when they are put together; larger ones keep their own index. */
const mergeLimit = 64;

/**
 * An immutable table; later rules come first. It is a list of parts, each with its own index made at the first lookup,
 * so that appending a request's rules to a large table costs nothing.
 */
export class Dtab {
  /** How many rules. */
  readonly length: number;
  readonly #parts: readonly Part[];
  #dentries: readonly Dentry[] | undefined;

  private constructor(parts: readonly Part[]) {
    this.#parts = parts;
    this.length = parts.reduce((sum, part) => sum + part.dentries.length, 0);
  }

  /** The table without rules. */
  static readonly empty: Dtab = new Dtab([]);

  /** Reads rules separated by `;`, which may also end the last one; throws `DtabSyntaxError`. */
  static read(text: string): Dtab {
    const parser = new Parser(text);
    const dentries: Dentry[] = [];
    do {
      parser.skip();
      if (parser.atEnd) break;
      dentries.push(parseDentry(parser));
      parser.skip();
    } while (parser.maybe(";"));
    parser.end();
    return Dtab.of(dentries);
  }

  /** A table of rules. */
  static of(dentries: readonly Dentry[]): Dtab {
    return dentries.length === 0 ? Dtab.empty : new Dtab([new Part([...dentries])]);
  }

  /** The rules in the order in which they are written. */
  get dentries(): readonly Dentry[] {
    return (this.#dentries ??= this.#parts.flatMap((part) => part.dentries));
  }

  /** Whether there are no rules. */
  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** This table followed by another, whose rules win. */
  concat(other: Dtab): Dtab {
    if (other.isEmpty) return this;
    if (this.isEmpty) return other;
    const last = this.#parts.at(-1)!;
    const first = other.#parts[0]!;
    if (last.dentries.length + first.dentries.length > mergeLimit)
      return new Dtab([...this.#parts, ...other.#parts]);
    const middle = new Part([...last.dentries, ...first.dentries]);
    return new Dtab([...this.#parts.slice(0, -1), middle, ...other.#parts.slice(1)]);
  }

  /** The rules that match a path, last first. */
  matches(path: Path): readonly Dentry[] {
    const found: Dentry[] = [];
    for (let i = this.#parts.length - 1; i >= 0; i--) this.#parts[i]!.collect(path, found);
    return found;
  }

  /** One step of delegation: Neg if no rule matches, an Alt of all if several do. */
  lookup(path: Path): NameTree<Path> {
    const trees = this.matches(path).map((dentry) => Dentry.apply(dentry, path));
    if (trees.length === 0) return NameTree.neg;
    return trees.length === 1 ? trees[0]! : { tag: "alt", trees };
  }

  /** Every right side simplified; rules that lead to nothing are left out. */
  simplified(): Dtab {
    const simple = this.dentries.map(({ prefix, dst }) => ({ prefix, dst: NameTree.simplify(dst) }));
    return Dtab.of(simple.filter(({ dst }) => dst.tag !== "neg"));
  }

  /** The table without the rules of `prefix` at its beginning; this table if it does not begin with them. */
  stripPrefix(prefix: Dtab): Dtab {
    const begins =
      prefix.length <= this.length &&
      prefix.dentries.every((each, i) => Dentry.equals(each, this.dentries[i]!));
    return begins ? Dtab.of(this.dentries.slice(prefix.length)) : this;
  }

  /** Whether both are written alike. */
  equals(other: Dtab): boolean {
    if (this === other) return true;
    return (
      this.length === other.length &&
      this.dentries.every((each, i) => Dentry.equals(each, other.dentries[i]!))
    );
  }

  /** Whether both are alike once their right sides are simplified. */
  equivalent(other: Dtab): boolean {
    const simple = ({ prefix, dst }: Dentry): Dentry => ({ prefix, dst: NameTree.simplify(dst) });
    return (
      this.length === other.length &&
      this.dentries.every((each, i) => Dentry.equals(simple(each), simple(other.dentries[i]!)))
    );
  }

  /** The canonical text; weights have two decimals, as Finagle prints them. */
  show(): string {
    return this.dentries.map(Dentry.show).join(";");
  }

  /** As `show`, with weights in full: reads back as the same table. */
  showExact(): string {
    return this.dentries.map(Dentry.showExact).join(";");
  }

  /** The same as `show`. */
  toString(): string {
    return this.show();
  }
}

class Part {
  readonly dentries: readonly Dentry[];
  #index: DtabIndex | undefined;

  constructor(dentries: readonly Dentry[]) {
    this.dentries = dentries;
  }

  collect(path: Path, found: Dentry[]): void {
    this.#index ??= new DtabIndex(this.dentries.map((each) => each.prefix));
    for (const entry of this.#index.matches(path)) found.push(this.dentries[entry]!);
  }
}

function parseDentry(parser: Parser): Dentry {
  const prefix = parsePrefix(parser);
  parser.skip();
  parser.eat("=");
  parser.eat(">");
  return { prefix, dst: parseTree(parser) };
}

const pathEquals = (a: Path, b: Path): boolean => a.equals(b);
