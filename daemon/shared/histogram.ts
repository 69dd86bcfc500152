/**
 * The buckets of a distribution: 19 per power of two from 2^-10 to 2^40, so that any value in between is known to 2 %.
 *
 * Inside a power of two the position follows a parabola, which comes close to a logarithm: equal widths would need 25
 * buckets for the same error, a true logarithm 18 and a call of `Math.log` for each value.
 */

const perOctave = 19;
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
