/** What a watch did so far, as the state document of the namer shows it. */
import type { Clock } from "../../plugins/contract.ts";
import { showTime, WatchState } from "../../plugins/lib/watch-state.ts";
import type { Aged } from "../lib/ages.ts";

/** How much of an answer is kept to be shown. */
const shownLength = 2_000;

/** The record of one watch. */
export class WatchRecord implements Aged {
  /** As metrics call it. */
  readonly name: string;
  readonly state: WatchState;
  /** Whether there is something that requests can be sent to. */
  found = false;
  /** What is known is from before the start, and was not confirmed since. */
  restored = false;
  stale = false;
  /** Whether it is too old to be trusted. */
  distrusted = false;
  /** Hears of each change of that. */
  onDistrust: () => void = () => {};
  readonly #clock: Clock;
  readonly #facts: Record<string, string | undefined> = {};
  #lastEvent: unknown;
  #lastEventAt: number | undefined;
  #streaming = false;
  #heardAt: number | undefined;
  #shared: WatchRecord | undefined;

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.state = new WatchState(clock);
    this.#clock = clock;
  }

  /** When the API server last said anything about it that made sense. */
  get heardAt(): number | undefined {
    return this.#shared?.heardAt ?? this.#heardAt;
  }

  set heardAt(at: number | undefined) {
    this.#heardAt = at;
  }

  /** From now on another watch tells of this, among others. */
  sharedWith(record: WatchRecord): void {
    this.#shared = record;
    this.#streaming = false;
  }

  /** What counts for its age. */
  get confirmedAt(): number | undefined {
    return this.found ? this.heardAt : undefined;
  }

  get lastError(): string | undefined {
    return this.#shared?.state.error ?? this.state.error;
  }

  distrust(distrusted: boolean): void {
    this.distrusted = distrusted;
    this.onDistrust();
  }

  /** A request goes out. */
  requested(target: string): void {
    this.#note("request", `GET ${target}`, "lastRequestAt");
  }

  /** The answer of a list. */
  responded(text: string): void {
    this.#note("response", shorten(text), "lastResponseAt");
  }

  /** A stream was opened. */
  streamStarted(): void {
    this.#streaming = true;
    this.#facts["lastStreamStartAt"] = showTime(this.#clock.now());
    this.heardAt = this.#clock.now();
  }

  /** An event came. */
  streamed(event: unknown): void {
    this.#lastEvent = event;
    this.heardAt = this.#clock.now();
    this.#lastEventAt = this.heardAt;
  }

  /** The stream is over. */
  streamEnded(): void {
    if (!this.#streaming) return;
    this.#streaming = false;
    this.#facts["lastStreamEndAt"] = showTime(this.#clock.now());
  }

  /** The document. */
  toJSON(): Record<string, unknown> {
    const { confirmedAt } = this;
    const ageMs = confirmedAt === undefined ? undefined : Math.max(0, this.#clock.now() - confirmedAt);
    return {
      state: this.state.toJSON(),
      ...(ageMs !== undefined && { ageSeconds: Math.round(ageMs / 100) / 10, stale: this.stale }),
      ...(this.distrusted && { distrusted: true }),
      ...(this.restored && { restored: true }),
      watch: this.#shared === undefined ? this.#watch() : { shared: this.#shared.name },
    };
  }

  #watch(): Record<string, unknown> {
    const lastStreamData = this.#lastEvent && shorten(JSON.stringify(this.#lastEvent));
    const lastStreamDataAt = showTime(this.#lastEventAt);
    return { ...this.#facts, lastStreamData, lastStreamDataAt, streaming: this.#streaming };
  }

  #note(what: string, text: string, when: string): void {
    this.#facts[what] = text;
    this.#facts[when] = showTime(this.#clock.now());
  }
}

// A part of a string would keep the whole of it in memory.
const shorten = (text: string): string =>
  text.length > shownLength ? `${Buffer.from(text.slice(0, shownLength)).toString()}…` : text;
