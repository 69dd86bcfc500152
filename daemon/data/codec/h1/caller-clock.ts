/** Since when a caller's connection has been doing what it does, and what of it takes too long. */
import type { Transport } from "../../transport/transport.ts";
import { tick, turn } from "../../turn-clock.ts";

/** Limits of a caller's connection; 0 is none. */
export interface CallerLimits {
  /** From a request's first byte to the end of its head. */
  readonly headTimeoutMs: number;
  /** Longest silence in a request's body. */
  readonly bodyTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly lifeTimeoutMs: number;
  /** No progress in writing an answer for this long ends the connection. */
  readonly writeTimeoutMs: number;
}

/** How long a connection is read on after its last answer. */
const lingerMs = 2000;

/** The times of one connection, in whole milliseconds of the worker, which are no objects. */
export class CallerClock {
  readonly openedAt: number;
  /** The last byte came. */
  readAt: number;
  /** The first byte of a head came; 0 while none is awaited. */
  headSince: number;
  /** The last answer ended. */
  idleSince: number;
  /** An answer began, or the system last took bytes. */
  writtenAt: number;
  readonly #limits: CallerLimits;
  #written = 0;

  constructor(limits: CallerLimits) {
    tick();
    const now = turn.wholeMs;
    this.openedAt = now;
    this.readAt = now;
    this.headSince = now;
    this.idleSince = now;
    this.writtenAt = now;
    this.#limits = limits;
  }

  /** A head is incomplete for too long. */
  headOverdue(nowMs: number): boolean {
    return over(nowMs - this.headSince, this.#limits.headTimeoutMs);
  }

  /** A body is silent for too long. */
  bodyOverdue(nowMs: number): boolean {
    return over(nowMs - this.readAt, this.#limits.bodyTimeoutMs);
  }

  /** A connection that has sent nothing at all yet is kept no longer than a head may take. */
  unused(nowMs: number): boolean {
    const { headTimeoutMs, idleTimeoutMs } = this.#limits;
    return over(nowMs - this.openedAt, headTimeoutMs) || over(nowMs - this.openedAt, idleTimeoutMs);
  }

  /** Nothing has been asked since the last answer for too long. */
  idle(nowMs: number): boolean {
    return over(nowMs - this.idleSince, this.#limits.idleTimeoutMs);
  }

  /** It has been open for long enough. */
  old(nowMs: number): boolean {
    return over(nowMs - this.openedAt, this.#limits.lifeTimeoutMs);
  }

  /** The rest behind the last answer has been waited for long enough. */
  lingered(nowMs: number): boolean {
    return nowMs - this.idleSince > lingerMs;
  }

  /** The caller takes nothing of what is written for it. */
  stalled(nowMs: number, transport: Transport): boolean {
    if (transport.queued === 0) {
      this.writtenAt = Math.floor(nowMs);
      return false;
    }
    return over(nowMs - this.#progress(nowMs, transport), this.#limits.writeTimeoutMs);
  }

  /** Neither side of a tunnel has said anything for too long. */
  quiet(nowMs: number, transport: Transport): boolean {
    return over(nowMs - Math.max(this.readAt, this.#progress(nowMs, transport)), this.#limits.idleTimeoutMs);
  }

  // When the system last took bytes from its queue.
  #progress(nowMs: number, transport: Transport): number {
    const written = transport.written - transport.queued;
    if (written !== this.#written) {
      this.#written = written;
      this.writtenAt = Math.floor(nowMs);
    }
    return this.writtenAt;
  }
}

const over = (elapsedMs: number, limitMs: number): boolean => limitMs > 0 && elapsedMs > limitMs;
