/** The power of two choices: of two endpoints picked by chance, the better one (bench: pick). */
import type { BalancedEndpoint, BalancerCounts } from "../contract.ts";

/** How good an endpoint is; less is better. */
export type LoadOf<E> = (endpoint: E) => number;

/** Statuses from best to worst. */
const rank = (endpoint: BalancedEndpoint): number =>
  endpoint.status === "open" ? 0 : endpoint.status === "busy" ? 1 : 2;

/** The better of two different endpoints among the first `size`, which is at least 1; status comes before load. */
export function pickOnce<E extends BalancedEndpoint>(
  endpoints: readonly E[],
  size: number,
  load: LoadOf<E>,
  random: () => number,
): E {
  if (size === 1) return endpoints[0]!;
  const first = (random() * size) | 0;
  let second = (random() * (size - 1)) | 0;
  if (second >= first) second++;
  const a = endpoints[first]!;
  const b = endpoints[second]!;
  const difference = rank(a) - rank(b);
  if (difference !== 0) return difference < 0 ? a : b;
  return load(a) <= load(b) ? a : b;
}

/** Picks among the first `size` endpoints until one is open; undefined after `maxEffort` picks without one. */
export function pickOpen<E extends BalancedEndpoint>(
  endpoints: readonly E[],
  size: number,
  maxEffort: number,
  load: LoadOf<E>,
  random: () => number,
): E | undefined {
  for (let effort = 0; effort < maxEffort; effort++) {
    const picked = pickOnce(endpoints, size, load, random);
    if (picked.status === "open") return picked;
  }
  return undefined;
}

/** An open endpoint if one turns up, else what comes: a request that may succeed beats one that was not tried. */
export function pickOfTwo<E extends BalancedEndpoint>(
  endpoints: readonly E[],
  maxEffort: number,
  load: LoadOf<E>,
  random: () => number,
  counts: BalancerCounts,
): E | undefined {
  const size = endpoints.length;
  if (size <= 1) return endpoints[0];
  const open = pickOpen(endpoints, size, maxEffort, load, random);
  if (open !== undefined) return open;
  counts.maxEffortExhausted++;
  return pickOnce(endpoints, size, load, random);
}
