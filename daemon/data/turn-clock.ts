/**
 * The time as a worker's event loop knows it: read once when an event enters, and good for all that follows from it.
 * Every way in ticks: what a socket has read, what `guarded` calls, the sweeper, the timer wheel.
 */

/** `nowMs` is on the scale of `performance.now()`. */
export const turn = { nowMs: performance.now() };

/** An event has come: reads the clock. */
export function tick(): number {
  turn.nowMs = performance.now();
  return turn.nowMs;
}
