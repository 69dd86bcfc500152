/** The text of a sampling rate, as `l5d-sample` carries it. */

/** What Java takes for a decimal number, as Linkerd 1 did. */
const decimal = /^[+-]?(?:Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[dDfF]?)$/;

/** The rate clamped to [0, 1]; NaN for what is not a number. */
export function readSampleRate(text: string): number {
  const trimmed = text.trim();
  return decimal.test(trimmed) ? Math.min(1, Math.max(0, Number.parseFloat(trimmed))) : Number.NaN;
}
