/** What was learned of names that nobody watches now: so that a name that comes back is not a new one. */
import type { Clock } from "../../plugins/contract.ts";
import { BoundedMemo } from "../../plugins/lib/bounded-memo.ts";

/** What was last known of a name. */
export type Known<V> =
  | { readonly tag: "found"; readonly value: V; readonly at: number }
  | { readonly tag: "absent"; readonly at: number };

/** How long it counts that a name was not there. */
const absentMs = 10_000;

/** A bounded memory of found and of absent names, apart, so that a scan of random names displaces no real one. */
export class LastKnown<V> {
  readonly #clock: Clock;
  readonly #found = new BoundedMemo<Known<V>>(1_000);
  readonly #absent = new BoundedMemo<Known<V>>(10_000);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What is known; a name that was absent is only so for a while. */
  get(name: string): Known<V> | undefined {
    const absent = this.#absent.get(name);
    const found = this.#found.get(name);
    if (absent !== undefined && absent.at >= (found?.at ?? 0)) {
      return this.#clock.now() - absent.at < absentMs ? absent : undefined;
    }
    return found;
  }

  /** The name is let go. */
  put(name: string, known: Known<V>): void {
    (known.tag === "found" ? this.#found : this.#absent).add(name, () => known);
  }
}
