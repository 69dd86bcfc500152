/** Coarse timers of connections: one interval looks at every open one, so arming one costs nothing. */

import { reportBug } from "./bugs.ts";
import { type Member, Roster } from "./roster.ts";
import { tick } from "./turn-clock.ts";

/** Something with time limits of a second or more. */
export interface Sweepable extends Member {
  /** Called every quarter of a second; ends what is overdue. */
  sweep(nowMs: number): void;
}

const intervalMs = 250;
/** Members between which nothing else turns: there are thousands where many services are used. */
const sweptAtOnce = 200;

/** Calls `sweep` on its members while there are any. */
export class Sweeper<M extends Sweepable = Sweepable> {
  readonly #members = new Roster<M>();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** A round that is not over yet. */
  #round: Iterator<M> | undefined;

  get size(): number {
    return this.#members.size;
  }

  add(member: M): void {
    this.#members.add(member);
    this.#timer ??= setInterval(() => this.#begin(), intervalMs).unref();
  }

  remove(member: M): void {
    this.#members.remove(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** See `Roster`. */
  [Symbol.iterator](): Iterator<M> {
    return this.#members[Symbol.iterator]();
  }

  #begin(): void {
    if (this.#round !== undefined) return;
    this.#round = this.#members[Symbol.iterator]();
    this.#sweep(this.#round);
  }

  #sweep(round: Iterator<M>): void {
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
