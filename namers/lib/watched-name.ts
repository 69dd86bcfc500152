/** What is known of one watched name, how old it is, and how that is shown. */
import type { Clock, Gauge } from "../../plugins/contract.ts";
import { WatchState } from "../../plugins/lib/watch-state.ts";

/** Where a name stands. */
export type Look<V> =
  | { readonly tag: "pending" }
  | { readonly tag: "found"; readonly value: V }
  /** The source says that there is no such name. */
  | { readonly tag: "absent" }
  /** Nothing is known, and asking failed. */
  | { readonly tag: "failed"; readonly message: string };

/** The record of one name while it is watched. */
export class WatchedName<V> {
  readonly name: string;
  look: Look<V> = { tag: "pending" };
  /** When the source last confirmed what is known. */
  answeredAt: number | undefined;
  /** Set while the name is older than it should be. */
  stale = false;
  /** Present once there is something whose age counts. */
  age: Gauge | undefined;
  readonly watch: WatchState;
  readonly #clock: Clock;
  readonly #show: (value: V) => unknown;
  readonly #watchedAt: number;

  constructor(name: string, clock: Clock, show: (value: V) => unknown) {
    this.name = name;
    this.watch = new WatchState(clock);
    this.#clock = clock;
    this.#show = show;
    this.#watchedAt = clock.now();
  }

  /** Seconds since the source last confirmed what is known; before that, since the name is watched. */
  ageSeconds(): number {
    return Math.max(0, this.#clock.now() - (this.answeredAt ?? this.#watchedAt)) / 1000;
  }

  /** A good answer. */
  answered(look: Look<V>): void {
    this.look = look;
    this.answeredAt = this.#clock.now();
    this.watch.update(this.shown());
  }

  /** What admin pages show of the value. */
  shown(): unknown {
    return this.look.tag === "found" ? this.#show(this.look.value) : this.look.tag;
  }

  /** The document of this name. */
  toJSON(): Record<string, unknown> {
    const { value: _, ...watch } = this.watch.toJSON();
    return {
      state: this.look.tag,
      ageSeconds: Math.round(this.ageSeconds() * 10) / 10,
      stale: this.stale,
      ...watch,
      value: this.shown(),
    };
  }
}
