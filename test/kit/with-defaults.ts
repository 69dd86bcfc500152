/** Fills the defaults of a schema into a block, as loading a file does, for tests that begin at a plugin. */
import type { Schema, Static } from "../../config/type.ts";

/** The block with every key that has a default. */
export function withDefaults<S extends Schema>(
  schema: S,
  block: Readonly<Record<string, unknown>>,
): Static<S> {
  const properties = schema["properties"] as Readonly<Record<string, Schema>>;
  const filled: Record<string, unknown> = { ...block };
  for (const [key, { default: value }] of Object.entries(properties)) {
    if (filled[key] === undefined && value !== undefined) filled[key] = value;
  }
  return filled as Static<S>;
}
