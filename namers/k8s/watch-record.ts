/** What a watch did so far, as the state document of the namer shows it. */
import type { Clock } from "../../plugins/contract.ts";
import { showTime, WatchState } from "../../plugins/lib/watch-state.ts";

/** How much of an answer is kept to be shown. */
const shownLength = 2_000;

/** The record of one watch. */
export class WatchRecord {
  readonly state: WatchState;
  /** When the API server last said anything about it that made sense. */
  confirmedAt: number | undefined;
  /** Whether there is something that requests can be sent to. */
  found = false;
  readonly #clock: Clock;
  readonly #facts: Record<string, string | undefined> = {};
  #streaming = false;

  constructor(clock: Clock) {
    this.state = new WatchState(clock);
    this.#clock = clock;
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
    this.confirmedAt = this.#clock.now();
  }

  /** An event came. */
  streamed(event: unknown): void {
    this.#note("lastStreamData", shorten(JSON.stringify(event)), "lastStreamDataAt");
    this.confirmedAt = this.#clock.now();
  }

  /** The stream is over. */
  streamEnded(): void {
    if (!this.#streaming) return;
    this.#streaming = false;
    this.#facts["lastStreamEndAt"] = showTime(this.#clock.now());
  }

  /** The document. */
  toJSON(): Record<string, unknown> {
    return { state: this.state.toJSON(), watch: { ...this.#facts, streaming: this.#streaming } };
  }

  #note(what: string, text: string, when: string): void {
    this.#facts[what] = text;
    this.#facts[when] = showTime(this.#clock.now());
  }
}

const shorten = (text: string): string =>
  text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
