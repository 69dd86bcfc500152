/** What the parts of a validation share: its context, and how they report. */
import type { Issue, IssueCode } from "./errors.ts";
import type { Files } from "./format-checks.ts";
import type { KindLookup } from "./kinds.ts";
import { showNode } from "./scalars.ts";
import type { MapNode, Place, SourceNode } from "./source.ts";
import type { Schema } from "./type.ts";

/** What a validation works with. */
export interface ValidateContext {
  readonly kinds: KindLookup;
  readonly files: Files;
  placeOf(offset: number): Place;
  /** Where keys of the same name stand, to tell somebody who put one in the wrong place. */
  readonly homes: ReadonlyMap<string, readonly string[]>;
}

/** One validation as it goes on. */
export interface Run extends ValidateContext {
  readonly issues: Issue[];
  readonly offsets: Map<string, number>;
  /** Of the router that is being checked. */
  protocol: string | undefined;
  /** Below a key that is not built, where saying so again would not help. */
  insideNotBuilt: boolean;
}

/** The keys of an object. */
export type Properties = Readonly<Record<string, Schema>>;

/** Adds an issue; below a key that is not built, that something else is not built either is left out. */
export function report(run: Run, code: IssueCode, at: number, path: string, message: string): void {
  if (code === "not-built" && run.insideNotBuilt) return;
  run.issues.push({ code, path, message, ...run.placeOf(at) });
}

/** Whether a node is an object; reports one that is not. */
export function isMap(node: SourceNode, path: string, run: Run): node is MapNode {
  if (node.tag === "map") return true;
  report(run, "invalid", node.at, path, `expected an object, got ${showNode(node)}`);
  return false;
}

/** A path with one more key. */
export const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);
