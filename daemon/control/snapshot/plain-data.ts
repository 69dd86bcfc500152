/** Values of namers as text, and back: JSON, and Maps under a key of their own. */

const mapKey = "#map";

/** Writes a value; throws for one that cannot be written, such as one that holds itself. */
export const showPlainData = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (each instanceof Map ? { [mapKey]: [...each] } : each));

/** Reads what `showPlainData` wrote; throws for what is no JSON. */
export const readPlainData = (text: string): unknown =>
  JSON.parse(text, (_, each: unknown) => {
    const entries = (each as { readonly [mapKey]?: unknown } | null)?.[mapKey];
    return Array.isArray(entries) ? new Map(entries as [unknown, unknown][]) : each;
  });
