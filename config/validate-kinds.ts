/** Finds the keys of objects that depend on a kind: plugins, routers by protocol, back-offs, clients and services. */
import { byKind } from "./kinds.ts";
import { notBuilt } from "./not-built.ts";
import { isNull, readBoolean, showNode } from "./scalars.ts";
import type { MapNode } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import type { Schema } from "./type.ts";
import { join, type Properties, type Run, report } from "./validation-run.ts";

/** The keys that an object may have. */
export interface Keys {
  readonly properties: Properties;
  readonly required: ReadonlySet<string>;
  /** What the tables of hints call it. */
  readonly place: string;
}

/** A kind with its keys. */
export interface FoundKind {
  /** In whole form. */
  readonly kind: string;
  readonly keys: Keys;
}

/** The keys of an object's schema. */
export const keysOf = (schema: Schema, place = String(schema["place"] ?? "")): Keys => ({
  properties: (schema["properties"] ?? {}) as Properties,
  required: new Set((schema["required"] ?? []) as readonly string[]),
  place,
});

/** The kind of an object among those that its schema lists; reports one that is absent or unknown. */
export function findKind(node: MapNode, schema: Schema, path: string, run: Run): FoundKind | undefined {
  const kinds = schema["kinds"] as Properties;
  const names = Object.keys(kinds);
  const fallback = schema["defaultKind"] as string | undefined;
  const given = node.entries.get("kind");
  const isGiven = given !== undefined && !isNull(given.value);
  const word = isGiven || fallback === undefined ? readWord(node, "kind", names, path, run) : fallback;
  if (word === undefined) return undefined;
  const kind = byKind(new Map(names.map((name) => [name, name])), word);
  if (kind !== undefined) {
    const keys = kinds[kind]!;
    return { kind, keys: keysOf(keys, String(keys["place"] ?? schema["place"] ?? "")) };
  }
  const message = `unknown kind ${JSON.stringify(word)}; known are ${names.join(", ")}${didYouMean(word, names)}`;
  report(run, "unknown-kind", given?.value.at ?? node.at, join(path, "kind"), message);
  return undefined;
}

/** The protocol of a router that is built; reports any other. */
export function findProtocol(node: MapNode, schema: Schema, path: string, run: Run): string | undefined {
  const names = Object.keys(schema["protocols"] as Properties);
  const word = readWord(node, "protocol", names, path, run);
  if (word === undefined || names.includes(word)) return word;
  const { at } = node.entries.get("protocol")!.value;
  const where = join(path, "protocol");
  const known = run.kinds.known("protocol", word);
  if (known === undefined) {
    const message = `unknown protocol ${JSON.stringify(word)}; known are ${names.join(", ")}`;
    report(run, "unknown-kind", at, where, message + didYouMean(word, names));
  } else {
    report(run, "not-built", at, where, `${word} is ${notBuilt}`);
    checkGate(node, `the protocol ${word}`, known.experimental, path, run);
  }
  return undefined;
}

/** The plugin that a block names, with the keys of its slot and its own; reports one that cannot be used. */
export function findPlugin(node: MapNode, schema: Schema, path: string, run: Run): FoundKind | undefined {
  const slot = String(schema["slot"]);
  const shared = schema["keys"] as Properties;
  const word = readWord(node, "kind", run.kinds.kinds(slot), path, run);
  if (word === undefined) return undefined;
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
  const own = keysOf(plugin.schema, `${slot} ${plugin.kind}`);
  const properties: Record<string, Schema> = { ...shared, ...own.properties };
  for (const [key, value] of Object.entries(properties)) {
    // A namer's prefix is the kind as the file spells it.
    if (value["defaultsToKind"] === true) properties[key] = { ...value, default: `/${word}` };
  }
  return { kind: plugin.kind, keys: { ...own, properties } };
}

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
  } else if (known.never !== undefined) {
    report(run, "not-built", at, where, `${known.kind} is not supported: ${known.never}`);
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
