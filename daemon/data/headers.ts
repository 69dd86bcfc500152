/** The header section of a message, apart from any protocol's way to write it. */

/** A header section: ordered fields, names compared in lower case, values as the bytes of the wire (Latin-1). */
export interface Headers {
  /** The first value of a field; `name` in lower case. */
  first(name: string): string | undefined;
  /** Every value of a field, in order; `name` in lower case. */
  all(name: string): readonly string[];
  /** Removes every field of a name, in lower case. */
  remove(name: string): void;
  /** Removes every field whose name starts with a prefix, in lower case. */
  removePrefixed(prefix: string): void;
  /** Replaces every field of a name by one. */
  set(name: string, value: string): void;
  /** Adds a field at the end. */
  append(name: string, value: string): void;
  /** Adds fields at the end that are text already, each `name: value` with its CRLF. */
  appendText(text: string): void;
  /** A point to which `rewind` takes back whatever was added (not what was removed) since. */
  mark(): string;
  rewind(mark: string): void;
  /** Name (as it came) and value of every field, in order. */
  entries(): readonly (readonly [name: string, value: string])[];
  /** False if no `l5d-…`, `dtab-local` or `x-forwarded-client-cert` field can be there: found out while reading. */
  readonly mayRoute: boolean;
  /** False if no `Via` can be there. */
  readonly mayHaveVia: boolean;
}
