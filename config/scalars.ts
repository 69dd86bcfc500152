/** Reads scalars as Linkerd 1 does: by what the schema wants, with YAML 1.1's words. */
import type { ScalarNode, SourceNode } from "./source.ts";

const booleans = new Map<string, boolean>([
  ...["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"].map((word) => [word, false] as const),
]);

/** Whether a node stands for nothing: an absent value, `~` or `null`. */
export const isNull = (node: SourceNode): boolean =>
  node.tag === "scalar" && node.plain && /^(?:|~|null|Null|NULL)$/.test(node.text);

/** A boolean, quoted or not; undefined where the text is none. */
export const readBoolean = (node: ScalarNode): boolean | undefined => booleans.get(node.text.trim());

/** An integer, quoted or not, with `_` between digits; leading zeros are decimal. */
export function readInteger({ text }: ScalarNode): number | undefined {
  if (!/^\s*[-+]?\d(?:_?\d)*\s*$/.test(text)) return undefined;
  const value = Number(text.replaceAll("_", ""));
  return Number.isSafeInteger(value) ? value + 0 : undefined;
}

/** A number, quoted or not. */
export function readNumber({ text }: ScalarNode): number | undefined {
  if (!/^\s*[-+]?(?:\d(?:_?\d)*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(text)) return undefined;
  const value = Number(text.replaceAll("_", ""));
  return Number.isFinite(value) ? value : undefined;
}

/** A node as plain data, for values that no schema describes. */
export function plainValue(node: SourceNode): unknown {
  if (node.tag === "list") return node.items.map(plainValue);
  if (node.tag === "map")
    return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plainValue(value)]));
  if (!node.plain) return node.text;
  if (isNull(node)) return null;
  return readBoolean(node) ?? readInteger(node) ?? readNumber(node) ?? node.text;
}

/** What stands in the file, for a message. */
export function showNode(node: SourceNode): string {
  if (node.tag === "list") return "a list";
  if (node.tag === "map") return "an object";
  if (isNull(node)) return "nothing";
  if (node.plain && (readBoolean(node) ?? readNumber(node)) !== undefined) return node.text;
  const text = node.text.length > 80 ? `${node.text.slice(0, 77)}…` : node.text;
  return JSON.stringify(text);
}
