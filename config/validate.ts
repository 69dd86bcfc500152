/**
 * Checks a tree of nodes against a schema: reports everything that is wrong, and returns plain data with the defaults
 * filled in. What could not be read is left out of the data.
 *
 * Beside JSON Schema's keywords it understands ours (formats.ts): `format`, `place` (which names hints and the table of
 * what is not built), `slot` (a plugin's block), `kinds` and `protocols` (discriminated objects), `orSingle`,
 * `ignoreCase`, `defaultsToKind`.
 */
import type { Issue, IssueCode } from "./errors.ts";
import { type Files, formatChecks } from "./format-checks.ts";
import { byKind, type KindLookup } from "./kinds.ts";
import { movedKeys } from "./moved-keys.ts";
import { notBuilt, notBuiltKeys } from "./not-built.ts";
import { isNull, plainValue, readBoolean, readInteger, readNumber, showNode } from "./scalars.ts";
import { type MapNode, type Place, type SourceNode, synthetic } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import type { Schema } from "./type.ts";

/** What a validation works with. */
export interface ValidateContext {
  readonly kinds: KindLookup;
  readonly files: Files;
  placeOf(offset: number): Place;
  /** Where keys of the same name stand, to tell somebody who put one in the wrong place. */
  readonly homes: ReadonlyMap<string, readonly string[]>;
}

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

interface Run extends ValidateContext {
  readonly issues: Issue[];
  readonly offsets: Map<string, number>;
  /** Of the router that is being checked. */
  protocol: string | undefined;
  /** Below a key that is not built, where saying so again would not help. */
  insideNotBuilt: boolean;
}

type Properties = Readonly<Record<string, Schema>>;

function report(run: Run, code: IssueCode, at: number, path: string, message: string): void {
  if (code === "not-built" && run.insideNotBuilt) return;
  run.issues.push({ code, path, message, ...run.placeOf(at) });
}

function check(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  run.offsets.set(path, node.at);
  if ("slot" in schema) return checkPlugin(node, schema, path, run);
  if ("kinds" in schema) return checkKinds(node, schema, path, run);
  if ("protocols" in schema) return checkProtocol(node, schema, path, run);
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

// === Scalars ===

function checkScalar(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  const refuse = (): undefined => {
    report(run, "invalid", node.at, path, `expected ${describe(schema)}, got ${showNode(node)}`);
  };
  if (node.tag !== "scalar") return refuse();
  if ("const" in schema) return String(schema["const"]) === node.text ? schema["const"] : refuse();
  switch (schema["type"]) {
    case "boolean":
      return readBoolean(node) ?? refuse();
    case "integer":
    case "number": {
      const value = schema["type"] === "integer" ? readInteger(node) : readNumber(node);
      const { minimum = -Infinity, maximum = Infinity } = schema as { minimum?: number; maximum?: number };
      const { exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema as Record<string, number>;
      const fits =
        value !== undefined &&
        value >= minimum &&
        value <= maximum &&
        value > exclusiveMinimum &&
        value < exclusiveMaximum;
      return fits ? value : refuse();
    }
    case "string":
      return checkText(node, schema, path, run, refuse);
    default:
      throw new TypeError(`schema of ${path} has the unknown type ${String(schema["type"])}`);
  }
}

function checkText(
  node: Extract<SourceNode, { tag: "scalar" }>,
  schema: Schema,
  path: string,
  run: Run,
  refuse: () => undefined,
): string | undefined {
  const { text } = node;
  const allowed = schema["enum"] as readonly string[] | undefined;
  if (allowed !== undefined) {
    const same = (word: string): boolean =>
      word === text || (schema["ignoreCase"] === true && word.toLowerCase() === text.toLowerCase());
    const found = allowed.find(same);
    if (found !== undefined) return found;
    report(
      run,
      "invalid",
      node.at,
      path,
      `expected ${describe(schema)}, got ${showNode(node)}${didYouMean(text, allowed)}`,
    );
    return undefined;
  }
  const { minLength = 0, maxLength = Infinity } = schema as { minLength?: number; maxLength?: number };
  if (text.length < minLength || text.length > maxLength) return refuse();
  const pattern = schema["pattern"] as string | undefined;
  if (pattern !== undefined && !new RegExp(pattern, "u").test(text)) return refuse();
  const checkFormat = formatChecks[String(schema["format"])];
  if (checkFormat === undefined) return text;
  const checked = checkFormat(text, run.files);
  if ("value" in checked) return checked.value;
  const at = checked.offset === undefined ? node.at : node.offsetOf(checked.offset);
  report(run, checked.code ?? "invalid", at, path, checked.problem);
  return undefined;
}

/** What a schema wants, in words. */
function describe(schema: Schema): string {
  if ("const" in schema) return JSON.stringify(schema["const"]);
  const allowed = schema["enum"] as readonly string[] | undefined;
  if (allowed !== undefined) return allowed.length === 1 ? allowed[0]! : `one of ${allowed.join(", ")}`;
  if ("anyOf" in schema) return (schema["anyOf"] as readonly Schema[]).map(describe).join(" or ");
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema as Record<
    string,
    number | undefined
  >;
  const range =
    minimum !== undefined && maximum !== undefined
      ? ` from ${minimum} to ${maximum}`
      : minimum !== undefined
        ? ` ≥ ${minimum}`
        : maximum !== undefined
          ? ` ≤ ${maximum}`
          : exclusiveMinimum !== undefined && exclusiveMaximum !== undefined
            ? ` above ${exclusiveMinimum} and below ${exclusiveMaximum}`
            : exclusiveMinimum !== undefined
              ? ` > ${exclusiveMinimum}`
              : exclusiveMaximum !== undefined
                ? ` < ${exclusiveMaximum}`
                : "";
  switch (schema["type"]) {
    case "string":
      if ("pattern" in schema) return `text like ${String(schema["pattern"])}`;
      return Number(schema["minLength"] ?? 0) > 0 ? "text that is not empty" : "text";
    case "boolean":
      return "true or false";
    case "array":
      return "a list";
    case "integer":
    case "number":
      return `${String(schema["type"])}${range}`;
    default:
      return "an object";
  }
}

// === Lists and objects ===

function checkList(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  const itemSchema = (schema["items"] ?? {}) as Schema;
  if (node.tag !== "list") {
    if (schema["orSingle"] === true && node.tag === "map") return [check(node, itemSchema, path, run)];
    report(run, "invalid", node.at, path, `expected a list, got ${showNode(node)}`);
    return undefined;
  }
  const { minItems = 0 } = schema as { minItems?: number };
  if (node.items.length < minItems) {
    report(
      run,
      "invalid",
      node.at,
      path,
      minItems === 1 ? "must not be empty" : `needs at least ${minItems} elements`,
    );
  }
  return node.items.map((item, index) => check(item, itemSchema, `${path}[${index}]`, run));
}

function checkObject(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  const more = schema["additionalProperties"];
  if (node.tag === "map" && !("properties" in schema) && typeof more === "object") {
    const checkEntry = ([key, { value }]: readonly [string, { readonly value: SourceNode }]): readonly [
      string,
      unknown,
    ] => [key, check(value, more as Schema, join(path, key), run)];
    return Object.fromEntries([...node.entries].map(checkEntry));
  }
  if (!isMap(node, path, run)) return undefined;
  return checkKeys(
    node,
    (schema["properties"] ?? {}) as Properties,
    String(schema["place"] ?? ""),
    path,
    run,
  );
}

/** Checks the keys of a map; a key is required unless it is marked optional or has a default. */
function checkKeys(
  node: MapNode,
  properties: Properties,
  place: string,
  path: string,
  run: Run,
  skip: ReadonlySet<string> = new Set(),
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, { keyAt, value }] of node.entries) {
    if (skip.has(key)) continue;
    if (!Object.hasOwn(properties, key)) {
      report(
        run,
        "unknown-key",
        keyAt,
        join(path, key),
        `unknown key${explainKey(key, properties, place, run)}`,
      );
    } else if (!isNull(value)) {
      result[key] = checkBuilt(value, properties[key]!, place, key, keyAt, path, run);
    }
  }
  for (const [key, schema] of Object.entries(properties)) {
    if (skip.has(key) || (node.entries.has(key) && !isNull(node.entries.get(key)!.value))) continue;
    if ("default" in schema)
      result[key] = check(synthetic(schema["default"], node.at), schema, join(path, key), run);
    else if (!isOptional(schema)) {
      report(run, "missing", node.at, join(path, key), `required: ${describe(schema)}`);
    }
  }
  return result;
}

/** Ours are marked by a key, TypeBox's by a symbol or another key. */
const isOptional = (schema: Schema): boolean =>
  "~optional" in schema ||
  Object.getOwnPropertySymbols(schema).some((symbol) => /Optional/.test(symbol.description ?? ""));

function checkBuilt(
  value: SourceNode,
  schema: Schema,
  place: string,
  key: string,
  keyAt: number,
  path: string,
  run: Run,
): unknown {
  const harmless = atPlace(notBuiltKeys, place, key);
  if (harmless === undefined) return check(value, schema, join(path, key), run);
  const outer = run.insideNotBuilt;
  const marked = run.issues.length;
  run.insideNotBuilt = true;
  const checked = check(value, schema, join(path, key), run);
  run.insideNotBuilt = outer;
  const isHarmless = run.issues.length === marked && harmless.includes(checked);
  if (!isHarmless) report(run, "not-built", keyAt, join(path, key), notBuilt);
  return checked;
}

function explainKey(key: string, properties: Properties, place: string, run: Run): string {
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

function isMap(node: SourceNode, path: string, run: Run): node is MapNode {
  if (node.tag === "map") return true;
  report(run, "invalid", node.at, path, `expected an object, got ${showNode(node)}`);
  return false;
}

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

// === Discriminated objects ===

/** Reads a discriminator; reports one that is absent or no text. */
function readWord(
  node: MapNode,
  key: string,
  choices: readonly string[],
  path: string,
  run: Run,
): string | undefined {
  const entry = node.entries.get(key);
  if (entry === undefined || isNull(entry.value)) {
    report(run, "missing", node.at, join(path, key), `required: one of ${choices.join(", ")}`);
    return undefined;
  }
  run.offsets.set(join(path, key), entry.value.at);
  if (entry.value.tag === "scalar") return entry.value.text;
  report(run, "invalid", entry.value.at, join(path, key), `expected text, got ${showNode(entry.value)}`);
  return undefined;
}

function checkKinds(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  if (!isMap(node, path, run)) return undefined;
  const kinds = new Map(
    Object.entries(schema["kinds"] as Properties).map(([kind, value]) => [kind, [kind, value] as const]),
  );
  const fallback = schema["defaultKind"] as string | undefined;
  const given = node.entries.get("kind");
  const word =
    fallback !== undefined && (given === undefined || isNull(given.value))
      ? fallback
      : readWord(node, "kind", [...kinds.keys()], path, run);
  if (word === undefined) return undefined;
  const found = byKind(kinds, word);
  if (found === undefined) {
    const message = `unknown kind ${JSON.stringify(word)}; known are ${[...kinds.keys()].join(", ")}`;
    report(
      run,
      "unknown-kind",
      given?.value.at ?? node.at,
      join(path, "kind"),
      message + didYouMean(word, kinds.keys()),
    );
    return undefined;
  }
  const [kind, keys] = found;
  const place = String(keys["place"] ?? schema["place"] ?? "");
  return { kind, ...checkKeys(node, keys["properties"] as Properties, place, path, run, new Set(["kind"])) };
}

function checkProtocol(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  if (!isMap(node, path, run)) return undefined;
  const protocols = schema["protocols"] as Properties;
  const word = readWord(node, "protocol", Object.keys(protocols), path, run);
  if (word === undefined) return undefined;
  if (!Object.hasOwn(protocols, word)) {
    const at = node.entries.get("protocol")!.value.at;
    const known = run.kinds.known("protocol", word);
    if (known === undefined) {
      const message = `unknown protocol ${JSON.stringify(word)}`;
      report(
        run,
        "unknown-kind",
        at,
        join(path, "protocol"),
        message + didYouMean(word, Object.keys(protocols)),
      );
    } else {
      report(run, "not-built", at, join(path, "protocol"), `${word} is ${notBuilt}`);
      checkGate(node, `the protocol ${word}`, known.experimental, path, run);
    }
    return undefined;
  }
  run.protocol = word;
  const value = check(node, protocols[word]!, path, run);
  run.protocol = undefined;
  return value;
}

function checkPlugin(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  if (!isMap(node, path, run)) return undefined;
  const slot = String(schema["slot"]);
  const word = readWord(node, "kind", run.kinds.kinds(slot), path, run);
  if (word === undefined) return undefined;
  const shared = schema["keys"] as Properties;
  const gated = "experimental" in shared;
  const plugin = run.kinds.find(slot, word);
  if (plugin === undefined) {
    refuseKind(node, slot, word, gated, path, run);
    return undefined;
  }
  if (!serves(plugin.protocols, run)) {
    reportProtocol(node, plugin.kind, plugin.protocols!, path, run);
    return undefined;
  }
  if (gated) checkGate(node, plugin.kind, plugin.experimental, path, run);
  const own = (plugin.schema["properties"] ?? {}) as Properties;
  const keys = { ...shared, ...own };
  const named: Properties = Object.fromEntries(
    Object.entries(keys).map(([key, value]) => [
      key,
      value["defaultsToKind"] === true ? { ...value, default: `/${word}` } : value,
    ]),
  );
  return {
    kind: plugin.kind,
    ...checkKeys(node, named, `${slot} ${plugin.kind}`, path, run, new Set(["kind"])),
  };
}

function refuseKind(node: MapNode, slot: string, word: string, gated: boolean, path: string, run: Run): void {
  const at = node.entries.get("kind")?.value.at ?? node.at;
  const where = join(path, "kind");
  const known = run.kinds.known(slot, word);
  if (known === undefined) {
    const moved = run.kinds.moved(slot, word);
    const choices = run.kinds.kinds(slot);
    const rest =
      moved !== undefined ? `: ${moved}` : `; known are ${choices.join(", ")}${didYouMean(word, choices)}`;
    report(run, "unknown-kind", at, where, `unknown kind ${JSON.stringify(word)} of ${slot}${rest}`);
  } else if (!serves(known.protocols, run)) {
    reportProtocol(node, known.kind, known.protocols!, path, run);
  } else {
    report(run, "not-built", at, where, `${known.kind} is ${notBuilt}`);
    if (gated) checkGate(node, known.kind, known.experimental, path, run);
  }
}

const serves = (protocols: readonly string[] | undefined, run: Run): boolean =>
  protocols === undefined || run.protocol === undefined || protocols.includes(run.protocol);

function reportProtocol(
  node: MapNode,
  kind: string,
  protocols: readonly string[],
  path: string,
  run: Run,
): void {
  const at = node.entries.get("kind")?.value.at ?? node.at;
  const message = `${kind} is for ${protocols.join(" and ")} routers, and this is one of ${run.protocol}`;
  report(run, "unknown-kind", at, join(path, "kind"), message);
}

/** Experimental things must be wanted: `experimental: true`. */
function checkGate(
  node: MapNode,
  what: string,
  experimental: boolean | undefined,
  path: string,
  run: Run,
): void {
  if (experimental !== true) return;
  const flag = node.entries.get("experimental")?.value;
  if (flag?.tag === "scalar" && readBoolean(flag) === true) return;
  const message = `${what} is experimental: say experimental: true beside its kind to use it`;
  report(run, "experimental", flag?.at ?? node.at, path, message);
}

const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);
