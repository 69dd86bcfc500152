/**
 * What was learned of names that nobody watches now: so that a name that comes back is not a new one. What was found is
 * also kept on disk, together with what is watched, and is known again after a restart.
 */
import type { KeptName, NamerContext } from "../../plugins/contract.ts";
import { BoundedMemo } from "../../plugins/lib/bounded-memo.ts";

/** What was last known of a name. */
export type Known<V> =
  | {
      readonly tag: "found";
      readonly value: V;
      readonly at: number;
      /** From before the start, and not confirmed since. */
      readonly restored: boolean;
    }
  | { readonly tag: "absent"; readonly at: number };

/** Whose names they are. */
export interface LastKnownOptions<V> {
  readonly source: string;
  /** What is watched now and was found. */
  readonly watched: () => Iterable<KeptName>;
  /** What pages show of a value; what was kept and cannot be shown is none. Absent: whoever gets it looks itself. */
  readonly show?: (value: V) => unknown;
}

/** How long it counts that a name was not there. */
const absentMs = 10_000;
/** So many found names are remembered that nobody watches. */
const maxFound = 5_000;

/** A bounded memory of found and of absent names, apart, so that a scan of random names displaces no real one. */
export class LastKnown<V> {
  readonly #ctx: Pick<NamerContext, "clock" | "kept">;
  readonly #found = new BoundedMemo<Known<V> & { tag: "found" }>(maxFound);
  readonly #absent = new BoundedMemo<Known<V> & { tag: "absent" }>(10_000);

  constructor(
    { source, watched, show = () => {} }: LastKnownOptions<V>,
    ctx: Pick<NamerContext, "clock" | "kept">,
  ) {
    this.#ctx = ctx;
    const kept = ctx.kept?.keep(source, () => this.#all(watched())) ?? [];
    for (const { name, value, at } of kept) {
      if (isShown(value as V, show)) this.found(name, value as V, Math.min(at, ctx.clock.now()), true);
    }
  }

  /** What is known; a name that was absent is only so for a while. */
  get(name: string): Known<V> | undefined {
    const absent = this.#absent.get(name);
    const found = this.#found.get(name);
    if (absent !== undefined && absent.at >= (found?.at ?? 0)) {
      return this.#ctx.clock.now() - absent.at < absentMs ? absent : undefined;
    }
    return found;
  }

  /** The name was found and is let go. */
  found(name: string, value: V, at: number, restored: boolean): void {
    this.#found.add(name, () => ({ tag: "found", value, at, restored }));
  }

  /** The name was absent and is let go. */
  absent(name: string, at: number): void {
    this.#absent.add(name, () => ({ tag: "absent", at }));
  }

  /** The source says something new of a name, which somebody watches: nothing older counts any more. */
  outdated(name: string): void {
    this.#found.delete(name);
    this.#ctx.kept?.changed();
  }

  *#all(watched: Iterable<KeptName>): Generator<KeptName> {
    const names = new Set<string>();
    for (const each of watched) {
      names.add(each.name);
      yield each;
    }
    for (const [name, { value, at }] of this.#found.entries()) {
      if (!names.has(name) && at > (this.#absent.get(name)?.at ?? 0)) yield { name, value, at };
    }
  }
}

// Of another version of the program, perhaps: what makes no sense is as good as nothing.
function isShown<V>(value: V, show: (value: V) => unknown): boolean {
  try {
    show(value);
    return true;
  } catch {
    return false;
  }
}
