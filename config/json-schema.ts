/**
 * The whole configuration as one JSON Schema (draft-07) for editors, every plugin's block included.
 *
 * Editors look at what a YAML 1.2 parser makes of the text, so the schema holds the plain forms only: `check` also
 * takes `yes` for true and quoted numbers.
 */
import type { KindInfo, KindLookup } from "./kinds.ts";
import { notBuiltKeys } from "./not-built.ts";
import { fileSchema } from "./schema.ts";
import type { Schema } from "./type.ts";

type Json = Record<string, unknown>;
type Properties = Readonly<Record<string, Schema>>;

/** The schema of the file with every plugin that `kinds` knows. */
export function toJsonSchema(kinds: KindLookup): Json {
  const emitter: Emitter = { kinds, definitions: {}, protocol: undefined };
  const root = emit(fileSchema, emitter);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Pointsman configuration",
    ...root,
    definitions: emitter.definitions,
  };
}

interface Emitter {
  readonly kinds: KindLookup;
  /** One per slot and protocol. */
  readonly definitions: Record<string, Json>;
  protocol: string | undefined;
}

/** Keywords of ours, which mean nothing to an editor. */
const ours = new Set([
  "place",
  "slot",
  "keys",
  "kinds",
  "protocols",
  "defaultKind",
  "orSingle",
  "ignoreCase",
  "defaultsToKind",
  "~optional",
]);

/** Our formats in terms of the standard. */
const formats: Readonly<Record<string, Json>> = {
  path: { pattern: "^/" },
  regex: { format: "regex" },
  header: { pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" },
};

function emit(schema: Schema, emitter: Emitter): Json {
  if ("slot" in schema) return { ...annotations(schema), ...reference(schema, emitter) };
  if ("kinds" in schema) return emitKinds(schema, emitter);
  if ("protocols" in schema) return emitProtocols(schema, emitter);
  const out: Json = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (ours.has(keyword)) continue;
    if (keyword === "format") Object.assign(out, formats[String(value)] ?? {});
    else if (keyword === "properties") {
      out["properties"] = emitProperties(value as Properties, String(schema["place"]), emitter);
    } else if (keyword === "items") out["items"] = emit(value as Schema, emitter);
    else if (keyword === "anyOf")
      out["anyOf"] = (value as readonly Schema[]).map((option) => emit(option, emitter));
    else if (keyword === "additionalProperties" && typeof value === "object") {
      out["additionalProperties"] = emit(value as Schema, emitter);
    } else out[keyword] = value;
  }
  if (schema["ignoreCase"] === true) {
    const words = schema["enum"] as readonly string[];
    out["enum"] = [...words, ...words.map((word) => word.toLowerCase())];
  }
  if (schema["orSingle"] !== true) return out;
  const { description, default: fallback, ...list } = out;
  return { ...annotations({ description, default: fallback }), anyOf: [list["items"], list] };
}

const annotations = ({ description, default: fallback }: Schema): Json => ({
  ...(description === undefined ? {} : { description }),
  ...(fallback === undefined ? {} : { default: fallback }),
});

/** Keys that are not built are left out, or held to the values that change nothing. */
function emitProperties(properties: Properties, place: string, emitter: Emitter): Json {
  const out: Json = {};
  for (const [key, schema] of Object.entries(properties)) {
    const harmless = notBuiltKeys[place]?.[key];
    if (harmless === undefined) out[key] = emit(schema, emitter);
    else if (harmless.length > 0) out[key] = { ...annotations(schema), enum: harmless };
  }
  return out;
}

const required = (schema: Schema): string[] => [...((schema["required"] ?? []) as readonly string[])];

/** An object whose keys depend on one that tells its kind. */
function discriminated(
  key: string,
  choices: readonly { readonly words: readonly string[]; readonly keys: Json }[],
  fallback?: string,
): Json {
  const words = choices.flatMap((choice) => choice.words);
  return {
    type: "object",
    properties: {
      [key]: { type: "string", enum: words, ...(fallback === undefined ? {} : { default: fallback }) },
    },
    ...(fallback === undefined ? { required: [key] } : {}),
    allOf: choices.map(({ words, keys }) => ({
      if: {
        properties: { [key]: { enum: words } },
        // Without the key, `properties` alone would hold for every kind.
        ...(fallback !== undefined && words.includes(fallback) ? {} : { required: [key] }),
      },
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema's keyword.
      then: keys,
    })),
  };
}

const spellings = (kind: string): string[] =>
  kind.startsWith("io.l5d.") ? [kind, kind.slice("io.l5d.".length)] : [kind];

function branch(key: string, properties: Json, needed: readonly string[], description: unknown): Json {
  return {
    ...(description === undefined ? {} : { description }),
    properties: { [key]: {}, ...properties },
    ...(needed.length === 0 ? {} : { required: needed }),
    additionalProperties: false,
  };
}

function emitKinds(schema: Schema, emitter: Emitter): Json {
  const choices = Object.entries(schema["kinds"] as Properties).map(([kind, keys]) => {
    const properties = keys["properties"] as Properties;
    const place = String(keys["place"] ?? schema["place"]);
    return {
      words: spellings(kind),
      keys: branch("kind", emitProperties(properties, place, emitter), required(keys), keys["description"]),
    };
  });
  return {
    ...annotations(schema),
    ...discriminated("kind", choices, schema["defaultKind"] as string | undefined),
  };
}

function emitProtocols(schema: Schema, emitter: Emitter): Json {
  const choices = Object.entries(schema["protocols"] as Properties).map(([protocol, keys]) => {
    emitter.protocol = protocol;
    const properties = keys["properties"] as Properties;
    const emitted = emitProperties(properties, String(keys["place"]), emitter);
    emitter.protocol = undefined;
    return {
      words: [protocol],
      keys: branch("protocol", emitted, required(keys), keys["description"]),
    };
  });
  return { ...annotations(schema), ...discriminated("protocol", choices) };
}

/** A plugin's block is defined once for each slot and protocol. */
function reference(schema: Schema, emitter: Emitter): Json {
  const slot = String(schema["slot"]);
  const plugins = emitter.kinds
    .kinds(slot)
    .map((kind) => emitter.kinds.find(slot, kind)!)
    .filter(
      ({ protocols }) => emitter.protocol === undefined || (protocols?.includes(emitter.protocol) ?? true),
    );
  if (plugins.length === 0) return { not: {} };
  const name = emitter.protocol === undefined ? slot : `${emitter.protocol}-${slot}`;
  if (emitter.definitions[name] === undefined) {
    emitter.definitions[name] = {}; // Before its parts, which may refer to it.
    const shared = schema["keys"] as Properties;
    const choices = plugins.map((plugin) => pluginChoice(plugin, slot, shared, emitter));
    emitter.definitions[name] = discriminated("kind", choices);
  }
  return { allOf: [{ $ref: `#/definitions/${name}` }] };
}

function pluginChoice(
  plugin: KindInfo,
  slot: string,
  shared: Properties,
  emitter: Emitter,
): { words: string[]; keys: Json } {
  const properties = { ...shared, ...((plugin.schema["properties"] ?? {}) as Properties) };
  const needed = required(plugin.schema);
  const emitted = emitProperties(properties, slot, emitter);
  if (plugin.experimental === true) {
    emitted["experimental"] = { const: true, description: "This plugin is experimental and must be wanted." };
    needed.push("experimental");
  }
  return {
    words: spellings(plugin.kind),
    keys: branch("kind", emitted, needed, plugin.schema["description"]),
  };
}
