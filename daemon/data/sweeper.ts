/** Coarse timers of connections: one interval per worker looks at every open connection, so arming one costs nothing. */

import { reportBug } from "./bugs.ts";
import { tick } from "./turn-clock.ts";

/** Something with time limits of a second or more. */
export interface Sweepable {
  /** Called every quarter of a second; ends what is overdue. */
  sweep(nowMs: number): void;
}

const intervalMs = 250;

/** Calls `sweep` on its members while there are any. */
export class Sweeper {
  readonly #members = new Set<Sweepable>();
  #timer: ReturnType<typeof setInterval> | undefined;

  add(member: Sweepable): void {
    this.#members.add(member);
    this.#timer ??= setInterval(() => this.#sweep(), intervalMs).unref();
  }

  remove(member: Sweepable): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    const now = tick();
    for (const member of this.#members) {
      try {
        member.sweep(now);
      } catch (thrown) {
        reportBug("a sweep", thrown);
      }
    }
  }
}
