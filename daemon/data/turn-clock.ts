/**
 * The time as a worker's event loop knows it: read once when an event enters, and good for all that follows from it.
 * Every way in ticks: what a socket has read, what `guarded` calls, the sweeper, the timer wheel.
 */

/** Both on the scale of `performance.now()`; what is kept in many objects is the whole number, which is no object of its own. */
export const turn = { nowMs: performance.now(), wholeMs: Math.floor(performance.now()) };

// What is global is looked up anew at each use, and this is used at each event.
const clock = performance;

/** An event has come: reads the clock. */
export function tick(): number {
  const nowMs = clock.now();
  turn.nowMs = nowMs;
  turn.wholeMs = Math.floor(nowMs);
  return nowMs;
}
