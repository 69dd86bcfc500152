/**
 * The characters, labels and numbers that the three grammars (path, tree, dtab) share, and how they complain.
 *
 * Messages are Finagle's, letter by letter, because users search for them.
 */

/** A text that is not a path, a tree or a dtab. */
export class DtabSyntaxError extends Error {
  /** The whole text. */
  readonly input: string;
  /** Where in the text it went wrong; its length at the end of input. */
  readonly offset: number;
  /** What could have stood there. */
  readonly expected: string;

  constructor(input: string, offset: number, expected: string, found: string) {
    const marked = `${input.slice(0, offset)}[${input.slice(offset, offset + 1)}]${input.slice(offset + 1)}`;
    super(`${expected} expected but ${found} found at '${marked}'`);
    this.name = "DtabSyntaxError";
    this.input = input;
    this.offset = offset;
    this.expected = expected;
  }

  /** The place in lines and columns, both from 1. */
  get position(): { readonly line: number; readonly column: number } {
    const before = this.input.slice(0, this.offset);
    return { line: before.split("\n").length, column: this.offset - before.lastIndexOf("\n") };
  }
}

const labelChar = new Uint8Array(256);
for (const char of "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:.#$%-") {
  labelChar[char.charCodeAt(0)] = 1;
}

/** Whether a character stands for itself in a label. */
export const isLabelChar = (code: number): boolean => labelChar[code] === 1;

/** A place in a text that moves on as the grammar is followed. */
export class Parser {
  readonly input: string;
  #at = 0;

  constructor(input: string) {
    this.input = input;
  }

  /** Whether everything was read. */
  get atEnd(): boolean {
    return this.#at >= this.input.length;
  }

  /** The next character, or the empty string at the end. */
  peek(): string {
    return this.input.charAt(this.#at);
  }

  /** Takes `char` if it comes next. */
  maybe(char: string): boolean {
    if (this.atEnd || this.peek() !== char) return false;
    this.#at++;
    return true;
  }

  /** Takes `char`, which must come next. */
  eat(char: string): void {
    if (!this.maybe(char)) this.fail(`'${char}'`);
  }

  /** Takes blanks, line ends and comments. */
  skip(): void {
    while (!this.atEnd) {
      const char = this.peek();
      if (char === "#") {
        const lineEnd = this.input.indexOf("\n", this.#at);
        this.#at = lineEnd < 0 ? this.input.length : lineEnd + 1;
      } else if (/\s/.test(char)) this.#at++;
      else return;
    }
  }

  /** Refuses what comes next. */
  fail(expected: string, found: string = this.atEnd ? "end of input" : `'${this.peek()}'`): never {
    throw new DtabSyntaxError(this.input, this.#at, expected, found);
  }

  /** Refuses anything but blanks from here on. */
  end(): void {
    this.skip();
    if (!this.atEnd) this.fail("end of input");
  }

  /** Whether a label begins here. */
  atLabel(): boolean {
    const code = this.input.charCodeAt(this.#at);
    return isLabelChar(code) || code === 0x5c;
  }

  /** One segment, as a byte string. */
  label(): string {
    let label = "";
    do {
      if (this.maybe("\\")) {
        this.eat("x");
        label += String.fromCharCode(this.#hexDigit() * 16 + this.#hexDigit());
      } else {
        const from = this.#at;
        while (isLabelChar(this.input.charCodeAt(this.#at))) this.#at++;
        if (this.#at === from) this.fail("label char");
        label += this.input.slice(from, this.#at);
      }
    } while (this.atLabel());
    return label;
  }

  /** The segments of a path. */
  segments(): string[] {
    this.skip();
    this.eat("/");
    if (!this.atLabel()) return [];
    const segments: string[] = [];
    do segments.push(this.label());
    while (this.maybe("/"));
    return segments;
  }

  /** Whether a number begins here. */
  atNumber(): boolean {
    return /^[0-9.]$/.test(this.peek());
  }

  /** Digits with at most one dot. */
  number(): number {
    let digits = "";
    while (/^[0-9]$/.test(this.peek()) || (this.peek() === "." && !digits.includes("."))) {
      digits += this.peek();
      this.#at++;
    }
    if (digits === ".") this.fail("weight", "'.'");
    return Number(digits);
  }

  #hexDigit(): number {
    const char = this.peek();
    if (!/^[0-9A-Fa-f]$/.test(char)) this.fail("hex char");
    this.#at++;
    return Number.parseInt(char, 16);
  }
}
