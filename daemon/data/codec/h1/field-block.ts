/**
 * The header section of one message as it came: its text, where each field stands in it, and edits on top.
 * A field that nobody changes is forwarded byte for byte; the object is reused by its connection for the next message.
 */
import type { Headers } from "../../headers.ts";
import { Field } from "./known-fields.ts";

/** Words per field in `offsets`: start of the name, end of the name, start and end of the value. */
const stride = 4;

/** Fields of one message; see the file's comment. */
export class FieldBlock implements Headers {
  /** The whole head, start line included. */
  text = "";
  /** Where the first field starts, and where the last one's CRLF ends. */
  #start = 0;
  #end = 0;
  count = 0;
  /** A bit for each Field code that occurs. */
  seen = 0;
  readonly #offsets: number[] = [];
  /** Code of each field; -1 once it is removed. */
  readonly #codes: number[] = [];
  #dirty = false;
  #appended = "";

  /** Forgets everything, for the next message. */
  clear(): void {
    this.text = "";
    this.count = 0;
    this.seen = 0;
    this.#start = 0;
    this.#end = 0;
    this.#dirty = false;
    this.#appended = "";
  }

  /** Takes note of a field; offsets count from the start of the head. */
  add(code: number, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const at = this.count * stride;
    const offsets = this.#offsets;
    offsets[at] = nameStart;
    offsets[at + 1] = nameEnd;
    offsets[at + 2] = valueStart;
    offsets[at + 3] = valueEnd;
    this.#codes[this.count++] = code;
    this.seen |= 1 << code;
  }

  /** The head is complete: its text, and the bounds of its fields in it. */
  seal(text: string, start: number, end: number): void {
    this.text = text;
    this.#start = start;
    this.#end = end;
  }

  /** Whether a field of the code is there. */
  has(code: number): boolean {
    return (this.seen & (1 << code)) !== 0;
  }

  /** The first value of a field by code. */
  value(code: number): string | undefined {
    if (!this.has(code)) return undefined;
    const codes = this.#codes;
    for (let i = 0; i < this.count; i++) if (codes[i] === code) return this.#value(i);
    return undefined;
  }

  /** Every value of a field by code, joined as a list. */
  list(code: number): string {
    let joined: string | undefined;
    for (let i = 0; i < this.count; i++) {
      if (this.#codes[i] === code)
        joined = joined === undefined ? this.#value(i) : joined + "," + this.#value(i);
    }
    return joined ?? "";
  }

  /** Whether there is one field of a code, and it has this value, in lower case here and in any case there. */
  says(code: number, lowerValue: string): boolean {
    let found = false;
    for (let i = 0; i < this.count; i++) {
      if (this.#codes[i] !== code) continue;
      if (found || !this.#reads(i * stride + 2, lowerValue)) return false;
      found = true;
    }
    return found;
  }

  /** Removes every field of a code. */
  drop(code: number): void {
    if (!this.has(code)) return;
    for (let i = 0; i < this.count; i++) if (this.#codes[i] === code) this.#kill(i);
    this.seen &= ~(1 << code);
  }

  /** Adds `name: value`; the caller vouches that both are clean. */
  append(name: string, value: string): void {
    this.#appended += name + ": " + value + "\r\n";
  }

  appendText(text: string): void {
    this.#appended += text;
  }

  mark(): string {
    return this.#appended;
  }

  rewind(mark: string): void {
    this.#appended = mark;
  }

  get mayRoute(): boolean {
    return this.has(Field.routing) || this.#appended !== "";
  }

  get mayHaveVia(): boolean {
    return this.has(Field.via);
  }

  first(name: string): string | undefined {
    for (let i = 0; i < this.count; i++) if (this.#is(i, name)) return this.#value(i);
    return this.#appended === "" ? undefined : this.#appendedValues(name)[0];
  }

  all(name: string): readonly string[] {
    const values: string[] = [];
    for (let i = 0; i < this.count; i++) if (this.#is(i, name)) values.push(this.#value(i));
    return this.#appended === "" ? values : values.concat(this.#appendedValues(name));
  }

  remove(name: string): void {
    for (let i = 0; i < this.count; i++) if (this.#is(i, name)) this.#kill(i);
    if (this.#appended !== "") this.#filterAppended((other) => other !== name);
  }

  removePrefixed(prefix: string): void {
    for (let i = 0; i < this.count; i++) {
      if (this.#codes[i] !== -1 && this.#name(i).toLowerCase().startsWith(prefix)) this.#kill(i);
    }
    if (this.#appended !== "") this.#filterAppended((name) => !name.startsWith(prefix));
  }

  set(name: string, value: string): void {
    this.remove(name.toLowerCase());
    this.append(name, value);
  }

  entries(): readonly (readonly [name: string, value: string])[] {
    const entries: [string, string][] = [];
    for (let i = 0; i < this.count; i++)
      if (this.#codes[i] !== -1) entries.push([this.#name(i), this.#value(i)]);
    return entries.concat(this.#appendedEntries());
  }

  /** The section as it goes out, each field with its CRLF. */
  show(): string {
    if (!this.#dirty) return this.text.slice(this.#start, this.#end) + this.#appended;
    let out = "";
    let run = -1; // start of the current run of fields that stay
    for (let i = 0; i < this.count; i++) {
      const at = this.#offsets[i * stride]!;
      if (this.#codes[i] === -1) {
        if (run !== -1) out += this.text.slice(run, at);
        run = -1;
      } else if (run === -1) run = at;
    }
    if (run !== -1) out += this.text.slice(run, this.#end);
    return out + this.#appended;
  }

  #kill(i: number): void {
    this.#codes[i] = -1;
    this.#dirty = true;
  }

  #name(i: number): string {
    return this.text.slice(this.#offsets[i * stride]!, this.#offsets[i * stride + 1]!);
  }

  #value(i: number): string {
    return this.text.slice(this.#offsets[i * stride + 2]!, this.#offsets[i * stride + 3]!);
  }

  #is(i: number, lowerName: string): boolean {
    return this.#codes[i] !== -1 && this.#reads(i * stride, lowerName);
  }

  // Whether the text between two offsets is this one in any case.
  #reads(offset: number, lower: string): boolean {
    const start = this.#offsets[offset]!;
    if (this.#offsets[offset + 1]! - start !== lower.length) return false;
    for (let k = 0; k < lower.length; k++) {
      const byte = this.text.charCodeAt(start + k);
      if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== lower.charCodeAt(k)) return false;
    }
    return true;
  }

  // Appended fields are few and rarely read back, so they are kept as text.
  #appendedEntries(): [string, string][] {
    if (this.#appended === "") return [];
    return this.#appended
      .slice(0, -2)
      .split("\r\n")
      .map((line) => {
        const colon = line.indexOf(": ");
        return [line.slice(0, colon), line.slice(colon + 2)];
      });
  }

  #appendedValues(name: string): string[] {
    const values: string[] = [];
    for (const [other, value] of this.#appendedEntries())
      if (other.toLowerCase() === name) values.push(value);
    return values;
  }

  #filterAppended(keep: (lowerName: string) => boolean): void {
    let kept = "";
    for (const [name, value] of this.#appendedEntries()) {
      if (keep(name.toLowerCase())) kept += name + ": " + value + "\r\n";
    }
    this.#appended = kept;
  }
}

/** Removes what belongs to one hop only: the fixed names, and every field that Connection nominates (RFC 9110 §7.6.1). */
export function stripHopByHop(block: FieldBlock): void {
  const nominated =
    block.has(Field.connection) && !nominatesNone(block) ? block.list(Field.connection).toLowerCase() : "";
  block.drop(Field.connection);
  block.drop(Field.hopByHop);
  block.drop(Field.te);
  block.drop(Field.trailer);
  block.drop(Field.upgrade);
  if (nominated === "" || unstrippable.has(nominated)) return;
  for (const token of nominated.split(",")) {
    const name = token.trim();
    // Framing and routing are not the sender's to switch off.
    if (name !== "" && !unstrippable.has(name)) block.remove(name);
  }
}

/** Whether Connection says what it nearly always says, so that it is not worth a string: `close` or `keep-alive` alone. */
export const nominatesNone = (block: FieldBlock): boolean =>
  block.says(Field.connection, "close") || block.says(Field.connection, "keep-alive");

const unstrippable = new Set(["close", "keep-alive", "host", "content-length", "transfer-encoding", "via"]);
