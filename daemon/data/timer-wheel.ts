/**
 * Deadlines of requests: one wheel per worker in place of a timer object per request. It ticks only while a deadline
 * is armed; a deadline fires up to one tick late, never early.
 */

import { reportBug } from "./bugs.ts";
import { type Member, nowhere, Roster } from "./roster.ts";
import { tick } from "./turn-clock.ts";

const tickMs = 10;
const slotCount = 512;

/** What a deadline calls. */
export interface Expiring {
  /** The deadline that was armed with this tag has passed. */
  expired(tag: string): void;
}

/** An armed deadline. */
export interface Deadline extends Member {
  readonly owner: Expiring;
  readonly tag: string;
  readonly dueTick: number;
  readonly slot: Roster<Deadline>;
}

/** Arms and fires deadlines. */
export class TimerWheel {
  readonly #slots = Array.from({ length: slotCount }, () => new Roster<Deadline>());
  #armed = 0;
  #tick = 0;
  #origin = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Calls `owner.expired(tag)` after `ms`. */
  arm(owner: Expiring, tag: string, ms: number): Deadline {
    if (this.#timer === undefined) {
      this.#origin = performance.now() - this.#tick * tickMs;
      this.#timer = setInterval(() => this.#advance(), tickMs).unref();
    }
    const now = performance.now() - this.#origin;
    const dueTick = Math.max(this.#tick + 1, Math.ceil((now + ms) / tickMs));
    const slot = this.#slots[dueTick % slotCount]!;
    const deadline = { owner, tag, dueTick, slot, place: nowhere };
    slot.add(deadline);
    this.#armed++;
    return deadline;
  }

  /** Takes a deadline back; one that has fired is no harm. */
  disarm(deadline: Deadline): void {
    if (deadline.slot.remove(deadline)) this.#rest();
  }

  #advance(): void {
    tick();
    // A callback may stop the wheel and start it anew, with another origin: the end is asked for at every step.
    while (this.#timer !== undefined && this.#tick < this.#until()) {
      this.#tick++;
      for (const deadline of this.#slots[this.#tick % slotCount]!) {
        if (deadline.dueTick > this.#tick) continue; // a later round of the wheel
        this.disarm(deadline);
        try {
          deadline.owner.expired(deadline.tag);
        } catch (thrown) {
          reportBug(`the deadline ${deadline.tag}`, thrown);
        }
      }
    }
  }

  #until(): number {
    return Math.floor((performance.now() - this.#origin) / tickMs);
  }

  #rest(): void {
    if (--this.#armed > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
