/** Paths of names as paths of nodes. */
import { fromUtf8Bytes, Path } from "../../dtab/index.ts";

/** What a node's name must not have; names come from requests, and nothing may lead elsewhere. */
const forbidden = /[/\0-\x1f\x7f-\x9f\ud800-\uf8ff\ufff0-\uffff]|^\.{0,2}$/;

/** The longest path that is asked for. */
const mostChars = 1_000;

/** The node of a path; undefined for names that no node can have. */
export function nodeOf(segments: readonly string[]): string | undefined {
  if (segments.some((segment) => forbidden.test(segment))) return undefined;
  const node = `/${segments.join("/")}`;
  return node.length <= mostChars ? node : undefined;
}

/** The path of a node, the inverse of `nodeOf`. */
export const pathOf = (node: string): Path => Path.utf8(...node.slice(1).split("/"));

/** The segments of a path as text. */
export const textsOf = (path: Path): readonly string[] => path.segments.map(fromUtf8Bytes);
