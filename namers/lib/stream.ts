/** A body that comes bit by bit, with an eye on the clock; and work with a signal of its own. */
import type { Clock } from "../../plugins/contract.ts";

/** The same chunks, which end with the error of `late` when none came for `idleMs`; one timer watches over all of them. */
export async function* untilSilent(
  chunks: AsyncIterable<string>,
  idleMs: number,
  clock: Clock,
  late: () => Error,
): AsyncGenerator<string> {
  const iterator = chunks[Symbol.asyncIterator]();
  const over = new AbortController();
  let heardAt = clock.now();
  let silence: Error | undefined;
  let fail = (_error: Error): void => {};
  void (async () => {
    for (let leftMs = idleMs; leftMs > 0; leftMs = heardAt + idleMs - clock.now()) {
      await clock.sleep(leftMs, over.signal);
      if (over.signal.aborted) return;
    }
    silence = late();
    fail(silence);
  })();
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<string>>((resolve, reject) => {
        if (silence !== undefined) return reject(silence);
        fail = reject;
        iterator.next().then(resolve, reject);
      });
      if (next.done === true) return;
      heardAt = clock.now();
      yield next.value;
    }
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
