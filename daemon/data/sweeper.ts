/** Coarse timers of connections: one interval per worker looks at every open connection, so arming one costs nothing. */

import { reportBug } from "./bugs.ts";
import { tick } from "./turn-clock.ts";

/** Something with time limits of a second or more. */
export interface Sweepable {
  /** Called every quarter of a second; ends what is overdue. */
  sweep(nowMs: number): void;
}

const intervalMs = 250;
/** Members between which nothing else turns: there are thousands where many services are used. */
const sweptAtOnce = 200;

/** Calls `sweep` on its members while there are any. */
export class Sweeper {
  readonly #members = new Set<Sweepable>();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** A round that is not over yet. */
  #round: Iterator<Sweepable> | undefined;

  add(member: Sweepable): void {
    this.#members.add(member);
    this.#timer ??= setInterval(() => this.#begin(), intervalMs).unref();
  }

  remove(member: Sweepable): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #begin(): void {
    if (this.#round !== undefined) return;
    this.#round = this.#members.values();
    this.#sweep(this.#round);
  }

  #sweep(round: Iterator<Sweepable>): void {
    const now = tick();
    for (let swept = 0; swept < sweptAtOnce; swept++) {
      const { value: member, done } = round.next();
      if (done === true) {
        this.#round = undefined;
        return;
      }
      try {
        member.sweep(now);
      } catch (thrown) {
        reportBug("a sweep", thrown);
      }
    }
    // Not unreferenced: then a loop that has nothing else to do would sleep before the rest.
    setImmediate(() => this.#sweep(round));
  }
}
