/**
 * The loop under every discovery source: ask, tell, ask again, until nobody wants to know any more.
 *
 * A round is a list, or a long poll from a cursor on. A round that fails, does not end by its deadline or makes no sense
 * is told as a failure and changes nothing else: the next one begins with a list, after a wait that grows with each
 * failure in a row. Now and then a whole list is asked for, whatever the cursor says.
 */
import type { Clock } from "../../plugins/contract.ts";
import { type BackoffRange, backoffMs } from "./backoff.ts";
import type { Turns } from "./turns.ts";

/** One round, as the source is asked. */
export interface Question<C> {
  /** Where the last round ended; undefined asks for a list, at once. */
  readonly cursor: C | undefined;
  /** How long the source may wait for news before it answers. */
  readonly waitMs: number;
  /** Aborts when the answer comes too late, or when nobody wants it any more. */
  readonly signal: AbortSignal;
  /** Aborts when nobody wants any more of this loop; what is kept from one round to the next ends with it. */
  readonly loop: AbortSignal;
}

/** What a source says. */
export interface Answer<T, C> {
  readonly value: T;
  /** Present where the next round can wait for news. */
  readonly cursor?: C | undefined;
  /** How long to wait before the next round. */
  readonly pauseMs: number;
}

/** Asks a source once; throws whatever goes wrong. */
export type Ask<T, C> = (question: Question<C>) => Promise<Answer<T, C>>;

/** An answer from something that is not the source that it should be: asking often will not help. */
export class NotASource extends Error {}

/** Why the signal of a round aborts whose answer did not come in time. */
export class TooLate extends Error {}

/** What a loop needs to know about its source. */
export interface Pace {
  /** How long a long poll may wait. */
  readonly waitMs: number;
  /** The same while others wait for their turn. */
  readonly contendedWaitMs: number;
  /** How long a list may take, and how much longer than its wait a long poll. */
  readonly deadlineMs: number;
  /** How often a whole list is asked for. */
  readonly relistMs: number;
  readonly backoff: BackoffRange;
}

/** Who hears of it, and decides whose turn it is. */
export interface Listener<T> {
  /** The turns that the next round needs; asked before each. */
  turns(): Turns;
  /** The least time from the begin of a round that was good to the next one; asked after each. */
  leastRoundMs(): number;
  /** Gives the milliseconds after which a whole list is to be asked for, if the answer must be confirmed. */
  answered(value: T): number | undefined;
  failed(error: Error): void;
}

/** How long to leave alone what is not the source that it should be. */
const notASourceMs = 25_000;

/** Runs the loop until `signal` aborts; it never throws. */
export async function supervise<T, C>(
  ask: Ask<T, C>,
  pace: Pace,
  listener: Listener<T>,
  { clock, random }: { readonly clock: Clock; readonly random: () => number },
  signal: AbortSignal,
): Promise<void> {
  let cursor: C | undefined;
  let listedAt = 0;
  let failures = 0;
  while (!signal.aborted) {
    const turns = listener.turns();
    const release = await turns.take(signal);
    if (release === undefined) return;
    const beganAt = clock.now();
    let pauseMs: number;
    try {
      if (cursor !== undefined && beganAt - listedAt >= pace.relistMs) cursor = undefined;
      if (cursor === undefined) listedAt = beganAt - pace.relistMs * 0.2 * random();
      const waitMs = turns.contended ? pace.contendedWaitMs : pace.waitMs;
      // Consul answers up to a sixteenth later than it was told to.
      const deadlineMs = pace.deadlineMs + (cursor === undefined ? 0 : (waitMs * 17) / 16);
      const from = cursor;
      const answer = await within(deadlineMs, clock, signal, (round) =>
        ask({ cursor: from, waitMs, signal: round, loop: signal }),
      );
      if (signal.aborted) return;
      failures = 0;
      cursor = answer.cursor;
      const confirmMs = listener.answered(answer.value);
      if (confirmMs !== undefined) cursor = undefined;
      pauseMs = confirmMs ?? Math.max(answer.pauseMs, listener.leastRoundMs() - (clock.now() - beganAt));
    } catch (cause) {
      if (signal.aborted) return;
      cursor = undefined;
      listener.failed(cause instanceof Error ? cause : new Error(String(cause)));
      pauseMs = cause instanceof NotASource ? notASourceMs : backoffMs(failures++, pace.backoff, random);
    } finally {
      release();
    }
    if (pauseMs > 0) await clock.sleep(pauseMs, signal);
  }
}

/** The result of `run`, or a failure once `ms` have passed; `run` hears of both ends through its signal. */
async function within<T>(
  ms: number,
  clock: Clock,
  outer: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const inner = new AbortController();
  const done = new AbortController();
  const stop = (): void => inner.abort();
  outer.addEventListener("abort", stop, { once: true });
  const late = clock.sleep(ms, done.signal).then((): T | Promise<T> => {
    // The round ended first, and its signal may have been handed on: nobody listens any more.
    if (done.signal.aborted) return new Promise<T>(() => {});
    // The failure comes before what the abort makes of the round.
    const error = new TooLate(`no answer within ${Math.round(ms)} ms`);
    queueMicrotask(() => inner.abort(error));
    throw error;
  });
  try {
    return await Promise.race([run(inner.signal), late]);
  } finally {
    done.abort();
    outer.removeEventListener("abort", stop);
  }
}
