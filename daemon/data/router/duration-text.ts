/** Durations as Linkerd 1 writes them in its messages: `10.seconds`, `1.minutes+500.milliseconds`. */

const units: readonly (readonly [name: string, ms: number])[] = [
  ["days", 86_400_000],
  ["hours", 3_600_000],
  ["minutes", 60_000],
  ["seconds", 1000],
  ["milliseconds", 1],
];

/** A duration in whole milliseconds as text. */
export function showDuration(ms: number): string {
  let rest = Math.floor(ms);
  if (rest <= 0) return "0.seconds";
  const parts: string[] = [];
  for (const [name, size] of units) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}.${name}`);
    rest -= count * size;
  }
  return parts.join("+");
}
