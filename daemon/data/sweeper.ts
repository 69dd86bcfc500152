/** Coarse timers of connections: one interval per worker looks at every open connection, so arming one costs nothing. */

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

/** Calls `sweep` on its members, and on those of its rosters, while there are any. */
export class Sweeper {
  /** Those that have members. */
  #rosters: readonly Roster<Sweepable>[] = [];
  readonly #own: Roster<Sweepable> = this.roster();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** A round that is not over yet. */
  #round: Iterator<Sweepable> | undefined;

  add(member: Sweepable): void {
    this.#own.add(member);
  }

  remove(member: Sweepable): void {
    this.#own.remove(member);
  }

  /** A roster for somebody's members, which are swept with the others. */
  roster<M extends Sweepable>(): Roster<M> {
    const roster: Roster<M> = new Roster((is) => {
      this.#rosters = is ? [...this.#rosters, roster] : this.#rosters.filter((other) => other !== roster);
      this.#turn();
    });
    return roster;
  }

  #turn(): void {
    if (this.#rosters.length > 0) this.#timer ??= setInterval(() => this.#begin(), intervalMs).unref();
    else {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #begin(): void {
    if (this.#round !== undefined) return;
    this.#round = this.#all();
    this.#sweep(this.#round);
  }

  *#all(): Generator<Sweepable, void> {
    for (const roster of this.#rosters) yield* roster;
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
