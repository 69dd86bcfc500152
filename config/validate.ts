/**
 * Checks a tree of nodes against a schema: reports everything that is wrong, and returns plain data with the defaults
 * filled in. What could not be read is left out of the data.
 *
 * Beside JSON Schema's keywords it understands ours (formats.ts): `format`, `place` (which names hints and the table of
 * what is not built), `slot` (a plugin's block), `kinds` and `protocols` (discriminated objects), `orSingle`,
 * `ignoreCase`, `defaultsToKind`.
 */
import type { Issue } from "./errors.ts";
import { movedKeys } from "./moved-keys.ts";
import { notBuilt, notBuiltKeys, notBuiltReasons } from "./not-built.ts";
import { isNull, plainValue, showNode } from "./scalars.ts";
import { type MapNode, type SourceNode, synthetic } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import type { Schema } from "./type.ts";
import { findKind, findPlugin, findProtocol, type Keys, keysOf } from "./validate-kinds.ts";
import { checkScalar, describe } from "./validate-scalars.ts";
import { isMap, join, type Run, report, type ValidateContext } from "./validation-run.ts";

/** What a validation came to. */
export interface Validated {
  readonly value: unknown;
  readonly issues: readonly Issue[];
  /** Offset of every value that the text holds, by path. */
  readonly offsets: ReadonlyMap<string, number>;
}

/** Checks `root` against `schema`. */
export function validate(root: SourceNode, schema: Schema, context: ValidateContext): Validated {
  const run: Run = { ...context, issues: [], offsets: new Map(), protocol: undefined, insideNotBuilt: false };
  const value = check(root, schema, "", run);
  return { value, issues: run.issues, offsets: run.offsets };
}

function check(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  run.offsets.set(path, node.at);
  if ("slot" in schema) return checkKind(node, schema, path, run, findPlugin);
  if ("kinds" in schema) return checkKind(node, schema, path, run, findKind);
  if ("protocols" in schema) return checkRouter(node, schema, path, run);
  if ("anyOf" in schema) return checkAny(node, schema, path, run);
  switch (schema["type"]) {
    case "object":
      return checkObject(node, schema, path, run);
    case "array":
      return checkList(node, schema, path, run);
    case undefined:
      return "const" in schema ? checkScalar(node, schema, path, run) : plainValue(node);
    default:
      return checkScalar(node, schema, path, run);
  }
}

function checkList(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  const itemSchema = (schema["items"] ?? {}) as Schema;
  if (node.tag !== "list") {
    if (schema["orSingle"] === true && node.tag === "map") return [check(node, itemSchema, path, run)];
    report(run, "invalid", node.at, path, `expected a list, got ${showNode(node)}`);
    return undefined;
  }
  const { minItems = 0 } = schema as { minItems?: number };
  if (node.items.length < minItems) {
    const message = minItems === 1 ? "must not be empty" : `needs at least ${minItems} elements`;
    report(run, "invalid", node.at, path, message);
  }
  return node.items.map((item, index) => check(item, itemSchema, `${path}[${index}]`, run));
}

function checkObject(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  if (!isMap(node, path, run)) return undefined;
  const values = schema["additionalProperties"];
  if ("properties" in schema || typeof values !== "object") {
    return checkKeys(node, keysOf(schema), path, run);
  }
  const result: Record<string, unknown> = {};
  for (const [key, { value }] of node.entries) {
    result[key] = check(value, values as Schema, join(path, key), run);
  }
  return result;
}

/** A plugin's block, or an object of one of some kinds. */
function checkKind(
  node: SourceNode,
  schema: Schema,
  path: string,
  run: Run,
  find: typeof findPlugin | typeof findKind,
): unknown {
  if (!isMap(node, path, run)) return undefined;
  const found = find(node, schema, path, run);
  return found && { kind: found.kind, ...checkKeys(node, found.keys, path, run, "kind") };
}

function checkRouter(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  if (!isMap(node, path, run)) return undefined;
  run.protocol = findProtocol(node, schema, path, run);
  if (run.protocol === undefined) return undefined;
  const keys = (schema["protocols"] as Readonly<Record<string, Schema>>)[run.protocol]!;
  const value = checkObject(node, keys, path, run);
  run.protocol = undefined;
  return value;
}

/** Checks the keys of a map, but for the one that told its kind. */
function checkKeys(
  node: MapNode,
  keys: Keys,
  path: string,
  run: Run,
  discriminator?: string,
): Record<string, unknown> {
  const { properties, required } = keys;
  const result: Record<string, unknown> = {};
  for (const [key, { keyAt, value }] of node.entries) {
    if (key === discriminator) continue;
    const schema = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (schema === undefined) {
      report(run, "unknown-key", keyAt, join(path, key), `unknown key${explainKey(key, keys, run)}`);
    } else if (!isNull(value)) {
      const harmless = atPlace(notBuiltKeys, keys.place, key);
      if (harmless === undefined) result[key] = check(value, schema, join(path, key), run);
      else {
        const why = atPlace(notBuiltReasons, keys.place, key) ?? notBuilt;
        result[key] = checkNotBuilt(value, schema, { harmless, why }, keyAt, join(path, key), run);
      }
    }
  }
  for (const [key, schema] of Object.entries(properties)) {
    const given = node.entries.get(key);
    if (key === discriminator || (given !== undefined && !isNull(given.value))) continue;
    const where = join(path, key);
    if ("default" in schema) {
      // What the text does not hold has no place in it.
      const silent: Run = { ...run, offsets: new Map() };
      result[key] = check(synthetic(schema["default"], node.at), schema, where, silent);
    } else if (required.has(key)) report(run, "missing", node.at, where, `required: ${describe(schema)}`);
  }
  return result;
}

/** A key that is not built passes only with a value that changes nothing. */
function checkNotBuilt(
  value: SourceNode,
  schema: Schema,
  { harmless, why }: { readonly harmless: readonly unknown[]; readonly why: string },
  keyAt: number,
  path: string,
  run: Run,
): unknown {
  const outer = run.insideNotBuilt;
  const before = run.issues.length;
  run.insideNotBuilt = true;
  const checked = check(value, schema, path, run);
  run.insideNotBuilt = outer;
  const passes = run.issues.length === before && harmless.includes(checked);
  if (!passes) report(run, "not-built", keyAt, path, why);
  return checked;
}

function explainKey(key: string, { properties, place }: Keys, run: Run): string {
  const moved = atPlace(movedKeys, place, key);
  if (moved !== undefined) return `: ${moved}`;
  const near = didYouMean(key, Object.keys(properties));
  if (near !== "") return near;
  const homes = (run.homes.get(key) ?? []).filter((home) => home !== place);
  return homes.length === 0 ? "" : `; there is one in ${homes.join(" and in ")}`;
}

/** What a table says of a key; a plugin's place is its slot and kind, and the slot alone speaks for all its kinds. */
const atPlace = <T>(
  table: Readonly<Record<string, Readonly<Record<string, T>>>>,
  place: string,
  key: string,
): T | undefined => table[place]?.[key] ?? table[place.split(" ")[0]!]?.[key];

/** The first schema that the node fits. */
function checkAny(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  for (const option of schema["anyOf"] as readonly Schema[]) {
    const attempt: Run = { ...run, issues: [] };
    const value = check(node, option, path, attempt);
    if (attempt.issues.length === 0) return value;
  }
  report(run, "invalid", node.at, path, `expected ${describe(schema)}, got ${showNode(node)}`);
  return undefined;
}
