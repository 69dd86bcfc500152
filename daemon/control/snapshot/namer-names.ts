/** What one namer keeps, by source: what was known when it was made, and what tells what it knows now. */
import type { KeptName, KeptNames } from "../../../plugins/contract.ts";

/** What is kept of one namer, by source. */
export type KeptSources = ReadonlyMap<string, Iterable<KeptName>>;

/** The names of one namer, or of an interpreter or a feed, which keep names as well; see the file's comment. */
export class NamerNames implements KeptNames {
  /** The namer's prefix, or what else tells whose they are. */
  readonly prefix: string;
  readonly #last: Map<string, Iterable<KeptName>>;
  readonly #changed: () => void;
  readonly #current = new Map<string, () => Iterable<KeptName>>();

  constructor(prefix: string, last: KeptSources, changed: () => void) {
    this.prefix = prefix;
    this.#last = new Map(last);
    this.#changed = changed;
  }

  keep(source: string, current: () => Iterable<KeptName>): readonly KeptName[] {
    const last = [...(this.#last.get(source) ?? [])];
    // The namer remembers them from here on.
    this.#last.delete(source);
    this.#current.set(source, current);
    return last;
  }

  changed(): void {
    this.#changed();
  }

  /** What is known now. */
  sources(): KeptSources {
    return new Map([...this.#current].map(([source, current]) => [source, current()]));
  }
}
