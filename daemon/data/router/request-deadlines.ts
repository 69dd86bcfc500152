/** The deadlines of one request, at most one for each purpose; made only for requests that have any. */
import type { Deadline, Expiring, TimerWheel } from "../timer-wheel.ts";

/** What a deadline is for. */
export type DeadlineTag = "deadline" | "server" | "total" | "bind" | "attempt" | "backoff" | "continue";

/** Who is told. */
export interface DeadlineOwner {
  expired(tag: DeadlineTag): void;
}

/** Arms and takes back. */
export class RequestDeadlines implements Expiring {
  readonly #wheel: TimerWheel;
  readonly #owner: DeadlineOwner;
  readonly #armed = new Map<string, Deadline>();

  constructor(wheel: TimerWheel, owner: DeadlineOwner) {
    this.#wheel = wheel;
    this.#owner = owner;
  }

  /** Arms a deadline unless one of its tag is armed. */
  arm(tag: DeadlineTag, ms: number): void {
    if (!this.#armed.has(tag)) this.#armed.set(tag, this.#wheel.arm(this, tag, ms));
  }

  /** Takes one back. */
  disarm(tag: DeadlineTag): void {
    const deadline = this.#armed.get(tag);
    if (deadline === undefined) return;
    this.#armed.delete(tag);
    this.#wheel.disarm(deadline);
  }

  /** Takes all back. */
  disarmAll(): void {
    for (const deadline of this.#armed.values()) this.#wheel.disarm(deadline);
    this.#armed.clear();
  }

  expired(tag: string): void {
    this.#armed.delete(tag);
    this.#owner.expired(tag as DeadlineTag);
  }
}
