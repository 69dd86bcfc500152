/** The text of a configuration as a tree of nodes that know their place; the only file that knows the YAML parser. */
import {
  isAlias,
  isMap,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { Issue, IssueCode } from "./errors.ts";

/** A place in the text; both numbers from 1. */
export interface Place {
  readonly line: number;
  readonly col: number;
}

/** A value with its place. */
export type SourceNode = MapNode | ListNode | ScalarNode;

/** Keys and values, in order; duplicates have been reported and left out. */
export interface MapNode {
  readonly tag: "map";
  readonly at: number;
  readonly entries: ReadonlyMap<string, { readonly keyAt: number; readonly value: SourceNode }>;
}

/** A list. */
export interface ListNode {
  readonly tag: "list";
  readonly at: number;
  readonly items: readonly SourceNode[];
}

/** Anything else; what it means depends on the schema. */
export interface ScalarNode {
  readonly tag: "scalar";
  readonly at: number;
  readonly text: string;
  /** Neither quoted nor a block, so that it may be a number, a boolean or null. */
  readonly plain: boolean;
  /** Where in the file a character of `text` stands. */
  readonly offsetOf: (index: number) => number;
}

/** A parsed text. */
export interface Source {
  /** Undefined if the text holds nothing, or is no YAML at all. */
  readonly root: SourceNode | undefined;
  readonly issues: readonly Issue[];
  placeOf(offset: number): Place;
}

/** Most nodes after aliases are replaced by what they stand for, and most levels; a bomb of aliases ends here. */
const maxNodes = 200_000;
const maxDepth = 200;

/**
 * Parses YAML, or JSON, which is read as YAML's flow style: only the first document counts. Scalars stay texts, for
 * Linkerd 1 reads them by what the schema wants; aliases and merge keys are replaced by what they stand for.
 */
export function parseSource(text: string): Source {
  const lines = new LineCounter();
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return line === 0 ? { line: 1, col: 1 } : { line, col };
  };
  const issues: Issue[] = [];
  const report = (code: IssueCode, offset: number, message: string, path = ""): void => {
    issues.push({ code, path, message, ...placeOf(offset) });
  };
  const document = parseAllDocuments(text, {
    schema: "failsafe",
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "silent",
    lineCounter: lines,
  })[0];
  if (document === undefined || document === null) return { root: undefined, issues, placeOf };
  for (const error of document.errors) report("syntax", error.pos[0], lowerFirst(error.message));

  let nodes = 0;
  const build = (node: Node | null, at: number, path: string, depth: number): SourceNode => {
    if (++nodes > maxNodes || depth > maxDepth) throw new TooLarge();
    if (node === null) return nullAt(at);
    const start = node.range?.[0] ?? at;
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (target === undefined) {
        report("syntax", start, `unknown anchor "${node.source}"`, path);
        return nullAt(start);
      }
      return build(target as Node, start, path, depth + 1);
    }
    if (isMap(node)) return buildMap(node, start, path, depth);
    if (isSeq(node)) {
      return {
        tag: "list",
        at: start,
        items: node.items.map((item, index) =>
          build(item as Node | null, start, `${path}[${index}]`, depth + 1),
        ),
      };
    }
    return scalar(node as Scalar, text);
  };
  const buildMap = (node: YAMLMap, at: number, path: string, depth: number): MapNode => {
    const entries = new Map<string, { keyAt: number; value: SourceNode }>();
    const merged: MapNode[] = [];
    for (const pair of node.items) {
      const keyNode = build(pair.key as Node | null, at, path, depth + 1);
      if (keyNode.tag !== "scalar") {
        report("syntax", keyNode.at, "a key must be a plain word", path);
        continue;
      }
      const key = keyNode.text;
      const keyPath = path === "" ? key : `${path}.${key}`;
      const value = build(pair.value as Node | null, keyNode.at, keyPath, depth + 1);
      if (key === "<<" && keyNode.plain) merged.push(...mergeable(value));
      else if (entries.has(key)) report("duplicate-key", keyNode.at, "duplicate key", keyPath);
      else entries.set(key, { keyAt: keyNode.at, value });
    }
    for (const source of merged) {
      for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
    }
    return { tag: "map", at, entries };
  };

  try {
    return { root: build(document.contents as Node | null, 0, "", 0), issues, placeOf };
  } catch (cause) {
    if (!(cause instanceof TooLarge)) throw cause;
    report("syntax", 0, "nested too deep, or too large once its aliases are replaced");
    return { root: undefined, issues, placeOf };
  }
}

/** A node for a value that is not in the text, placed where it would stand. */
export function synthetic(value: unknown, at: number): SourceNode {
  if (Array.isArray(value)) return { tag: "list", at, items: value.map((item) => synthetic(item, at)) };
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(
      ([key, item]) => [key, { keyAt: at, value: synthetic(item, at) }] as const,
    );
    return { tag: "map", at, entries: new Map(entries) };
  }
  return { tag: "scalar", at, text: String(value), plain: typeof value !== "string", offsetOf: () => at };
}

class TooLarge extends Error {}

const nullAt = (at: number): ScalarNode => ({ tag: "scalar", at, text: "", plain: true, offsetOf: () => at });
const lowerFirst = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1);

/** The maps that a merge key's value stands for. */
const mergeable = (value: SourceNode): MapNode[] =>
  value.tag === "map" ? [value] : value.tag === "list" ? value.items.flatMap(mergeable) : [];

function scalar(node: Scalar, text: string): ScalarNode {
  const [start, end] = node.range ?? [0, 0];
  const value = typeof node.value === "string" ? node.value : String(node.value ?? "");
  return {
    tag: "scalar",
    at: start,
    text: value,
    plain: node.type === "PLAIN" && node.tag === undefined,
    offsetOf: (index) => alignedOffset(value, index, text, start, end, node.type),
  };
}

/**
 * Where character `index` of a scalar's value stands in the text. Folding and indentation change only white space,
 * so the n-th character that is none is the n-th such character of the text; escapes count as what they stand for.
 */
function alignedOffset(
  value: string,
  index: number,
  text: string,
  start: number,
  end: number,
  type: Scalar["type"],
): number {
  let wanted = 0;
  for (let i = 0; i < Math.min(index, value.length); i++) if (!isBlank(value[i]!)) wanted++;
  const isBlock = type === "BLOCK_LITERAL" || type === "BLOCK_FOLDED";
  let at = isBlock ? text.indexOf("\n", start) + 1 : type === "PLAIN" ? start : start + 1;
  let afterLast = at;
  const blankNext = index >= value.length || isBlank(value[index]!);
  for (let seen = 0; at < end; ) {
    const length =
      type === "QUOTE_DOUBLE"
        ? escapeLength(text, at)
        : text.startsWith("''", at) && type === "QUOTE_SINGLE"
          ? 2
          : 1;
    const blank = length === 1 ? isBlank(text[at]!) : /^\\[ nrt\n]/.test(text.slice(at, at + 2));
    if (!blank) {
      if (seen === wanted) return blankNext ? afterLast : at;
      seen++;
      afterLast = at + length;
    }
    at += length;
  }
  return afterLast;
}

const isBlank = (char: string): boolean => char === " " || char === "\n" || char === "\t" || char === "\r";

/** How many characters of the text make one of a double-quoted value. */
function escapeLength(text: string, at: number): number {
  if (text[at] !== "\\") return 1;
  const digits = { x: 2, u: 4, U: 8 }[text[at + 1] ?? ""];
  return 2 + (digits ?? 0);
}
