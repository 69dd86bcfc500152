/** What is known of one watched name, how old it is, and how that is shown. */
import type { Clock } from "../../plugins/contract.ts";
import { showTime, WatchState } from "../../plugins/lib/watch-state.ts";
import type { Aged } from "./ages.ts";
import type { Known } from "./last-known.ts";
import { SuddenLoss } from "./sudden-loss.ts";

/** Where a name stands. */
export type Look<V> =
  | { readonly tag: "pending" }
  | {
      readonly tag: "found";
      readonly value: V;
      /** Older than the namer's budget allows: see `Ages`. */
      readonly distrusted?: true;
    }
  /** The source says that there is no such name. */
  | { readonly tag: "absent" }
  /** Nothing is known, and asking failed. */
  | { readonly tag: "failed"; readonly message: string };

/** The record of one name while it is watched. */
export class WatchedName<V> implements Aged {
  readonly name: string;
  look: Look<V> = { tag: "pending" };
  /** When the source last confirmed what is known. */
  answeredAt: number | undefined;
  /** What is known is from before the start, and was not confirmed since. */
  restored = false;
  /** Set while the name is older than it should be. */
  stale = false;
  readonly loss: SuddenLoss;
  readonly watch: WatchState;
  readonly #clock: Clock;
  readonly #show: (value: V) => unknown;
  readonly #set: (look: Look<V>) => void;
  readonly #watchedAt: number;

  /** `set` tells observers where the name stands. */
  constructor(
    name: string,
    clock: Clock,
    show: (value: V) => unknown,
    panicThreshold: number,
    set: (look: Look<V>) => void,
  ) {
    this.name = name;
    this.loss = new SuddenLoss(panicThreshold, clock);
    this.watch = new WatchState(clock);
    this.#clock = clock;
    this.#show = show;
    this.#set = set;
    this.#watchedAt = clock.now();
  }

  /** What counts for its age: only that of a name that was found does. */
  get confirmedAt(): number | undefined {
    return this.look.tag === "found" ? this.answeredAt : undefined;
  }

  get lastError(): string | undefined {
    return this.watch.error;
  }

  /** Seconds since the source last confirmed what is known; before that, since the name is watched. */
  ageSeconds(): number {
    return Math.max(0, this.#clock.now() - (this.answeredAt ?? this.#watchedAt)) / 1000;
  }

  /** What was known when nobody watched it. */
  remember(known: Known<V>): void {
    this.answeredAt = known.at;
    this.restored = known.tag === "found" && known.restored;
    this.#tell(known.tag === "found" ? { tag: "found", value: known.value } : { tag: "absent" });
  }

  /** A good answer. */
  answered(look: Look<V>): void {
    this.answeredAt = this.#clock.now();
    this.restored = false;
    this.#tell(look);
    this.watch.update(this.shown());
  }

  /** A bad one: `look` is where the name stands if nothing is known of it. */
  failed(
    look: Look<V> & { tag: "failed" | "absent" },
    message = look.tag === "failed" ? look.message : "",
  ): void {
    this.watch.fail(message);
    if (this.answeredAt === undefined) this.#tell(look);
  }

  distrust(distrusted: boolean): void {
    if (this.look.tag !== "found") return;
    const { tag, value } = this.look;
    this.#tell(distrusted ? { tag, value, distrusted: true } : { tag, value });
  }

  #tell(look: Look<V>): void {
    this.look = look;
    this.#set(look);
  }

  /** What admin pages show of the value. */
  shown(): unknown {
    return this.look.tag === "found" ? this.#show(this.look.value) : this.look.tag;
  }

  /** The document of this name. */
  toJSON(): Record<string, unknown> {
    const { value: _, ...watch } = this.watch.toJSON();
    const { held } = this.loss;
    return {
      state: this.look.tag,
      ageSeconds: Math.round(this.ageSeconds() * 10) / 10,
      stale: this.stale,
      ...(this.look.tag === "found" && this.look.distrusted && { distrusted: true }),
      ...(this.restored && { restored: true }),
      ...(held !== undefined && { held: { ...held, since: showTime(held.since) } }),
      ...watch,
      value: this.shown(),
    };
  }
}
