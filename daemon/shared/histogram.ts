/**
 * The buckets of a distribution: 19 per power of two from 2^-10 to 2^40, so that any value in between is known to 2 %.
 *
 * Inside a power of two the position follows a parabola, which comes close to a logarithm: equal widths would need 25
 * buckets for the same error, a true logarithm 18 and a call of `Math.log` for each value.
 */
import type { StatSummary } from "../../plugins/contract.ts";

/** Buckets per power of two. */
export const perOctave = 19;
const minExponent = -10;
const maxExponent = 40;

/** How many buckets there are; bucket 0 holds what is below 2^-10, zero included. */
export const bucketCount = (maxExponent - minExponent) * perOctave + 1;

/** The largest value that is told apart; larger ones count as this. */
export const maxValue = 2 ** maxExponent * (1 - 2 ** -20);

const minValue = 2 ** minExponent;
const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);
const high = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** The bucket of a value between 0 and `maxValue`. */
export const bucketOf = (value: number): number => {
  if (value < minValue) return 0;
  double[0] = value;
  const bits = halves[high]!;
  const fraction = (bits & 0xfffff) * 2 ** -20;
  const octave = (bits >>> 20) - (1023 + minExponent);
  return 1 + octave * perOctave + (((4 - fraction) * fraction * (perOctave / 3)) | 0);
};

const lowerBound = (bucket: number): number => {
  const octave = Math.floor((bucket - 1) / perOctave);
  const part = (bucket - 1 - octave * perOctave) / perOctave;
  return 2 ** (octave + minExponent) * (3 - Math.sqrt(4 - 3 * part));
};

/** The value that stands for a bucket: the one whose relative error is the same at both ends. */
export const bucketValue = (bucket: number): number => {
  if (bucket === 0) return 0;
  const low = lowerBound(bucket);
  const top = lowerBound(bucket + 1);
  return (2 * low * top) / (low + top);
};

const quantiles = [0.5, 0.9, 0.95, 0.99, 0.999, 0.9999] as const;

/** What is told of an interval without values. */
export const emptySummary: StatSummary = {
  count: 0,
  sum: 0,
  min: 0,
  max: 0,
  avg: 0,
  quantiles: Object.fromEntries(quantiles.map((quantile) => [quantile, 0])),
};

/** Summarises the buckets from `low` to below `high`, whose values add up to `sum`. */
export const summarize = (buckets: Uint32Array, low: number, high: number, sum: number): StatSummary => {
  let count = 0;
  while (low < high && buckets[low] === 0) low += 1;
  while (high > low && buckets[high - 1] === 0) high -= 1;
  for (let bucket = low; bucket < high; bucket += 1) count += buckets[bucket]!;
  if (count === 0) return emptySummary;
  const avg = sum / count;
  // One bucket: its values are about their mean. A whole sum: they are whole numbers, which small buckets tell exactly.
  const valueIn = (bucket: number): number =>
    high - low === 1 ? avg : Number.isInteger(sum) ? Math.round(bucketValue(bucket)) : bucketValue(bucket);
  const values: Record<string, number> = {};
  let bucket = low;
  let below = buckets[low]!;
  for (const quantile of quantiles) {
    const rank = Math.ceil(quantile * count);
    while (below < rank) below += buckets[++bucket]!;
    values[quantile] = valueIn(bucket);
  }
  return { count, sum, min: valueIn(low), max: valueIn(high - 1), avg, quantiles: values };
};
