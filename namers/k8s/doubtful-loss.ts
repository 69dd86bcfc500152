/** Whether a list takes so much away that it should be asked for again. */
import { isSuddenLoss } from "../lib/sudden-loss.ts";
import type { Collection } from "./collection.ts";
import type { WatchSource } from "./source.ts";

/** What is lost, where most of what was found is without addresses now, or without most of them. */
export function doubtfulLoss<T>(
  last: Iterable<readonly [key: string, value: T]>,
  next: Collection<T>,
  { isEmpty, sizeOf = () => 0 }: WatchSource<T>,
  panicThreshold: number,
): string | undefined {
  const found = [...last].filter(([, value]) => !isEmpty(value));
  const lost = found.filter(([key, value]) => {
    const left = next.value(key);
    return isEmpty(left) || isSuddenLoss(sizeOf(value), sizeOf(left), panicThreshold);
  });
  const [first] = lost;
  if (first === undefined || lost.length * 2 <= found.length) return undefined;
  if (found.length > 1) return `most names lose most addresses: ${lost.length} of ${found.length}`;
  const [key, value] = first;
  return `most addresses are gone: ${sizeOf(next.value(key))} are left of ${sizeOf(value)}`;
}
