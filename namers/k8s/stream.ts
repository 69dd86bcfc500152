/** The body of an answer, whole or event by event, with an eye on the clock. */
import type { Clock } from "../../plugins/contract.ts";
import { Silent } from "./errors.ts";
import { type Json, parseObject } from "./json.ts";

/** The most characters of an answer, or of one event. */
const maxLength = 32 * 1024 * 1024;

/** The whole body. */
export async function readWhole(chunks: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) {
    text += chunk;
    if (text.length > maxLength) throw new Error(`the answer is longer than ${maxLength} characters`);
  }
  return text;
}

/** The events of a watch, one JSON object a line; throws where one makes no sense or is cut off. */
export async function* readEvents(chunks: AsyncIterable<string>): AsyncGenerator<Json> {
  let rest = "";
  for await (const chunk of chunks) {
    const lines = chunk.split("\n");
    lines[0] = rest + lines[0];
    rest = lines.pop()!;
    if (rest.length > maxLength) throw new Error(`an event is longer than ${maxLength} characters`);
    for (const line of lines) if (line.trim() !== "") yield parseObject(line);
  }
  if (rest.trim() !== "") yield parseObject(rest);
}

/** The same chunks, which end with `Silent` when none came for `idleMs`. */
export async function* untilSilent(
  chunks: AsyncIterable<string>,
  idleMs: number,
  clock: Clock,
): AsyncGenerator<string> {
  const iterator = chunks[Symbol.asyncIterator]();
  for (;;) {
    const next = await within(
      iterator.next(),
      idleMs,
      clock,
      () => new Silent(`silent for ${idleMs / 1000} s`),
    );
    if (next.done === true) return;
    yield next.value;
  }
}

/** The result of `work`, or the error once `ms` have passed. */
export async function within<T>(work: Promise<T>, ms: number, clock: Clock, late: () => Error): Promise<T> {
  const over = new AbortController();
  const deadline = clock.sleep(ms, over.signal).then((): T | Promise<T> => {
    // The work came first, and nobody listens any more.
    if (over.signal.aborted) return new Promise<T>(() => {});
    throw late();
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    over.abort();
  }
}

/** Runs with a signal of its own, which aborts with the outer one and when the work is over, however it ends. */
export async function inner<T>(outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const stop = (): void => own.abort();
  outer.addEventListener("abort", stop, { once: true });
  try {
    return await work(own.signal);
  } finally {
    outer.removeEventListener("abort", stop);
    own.abort();
  }
}
