/** The index of a dtab: a trie over the segments of its prefixes, so that a lookup costs by what matches, not by size. */
import type { Path } from "./path.ts";
import type { Prefix } from "./prefix.ts";

interface Node {
  labels: Map<string, Node> | undefined;
  any: Node | undefined;
  /** The entries whose prefix ends here. */
  ends: number[];
}

/** Which entries of a table match a path. */
export class DtabIndex {
  readonly #root = newNode();

  constructor(prefixes: readonly Prefix[]) {
    prefixes.forEach((prefix, i) => {
      this.#add(prefix, i);
    });
  }

  /** The numbers of the entries whose prefix matches, last first. */
  matches(path: Path): number[] {
    const found: number[] = [];
    collect(this.#root, path.segments, 0, found);
    return found.length > 1 ? found.sort((a, b) => b - a) : found;
  }

  #add(prefix: Prefix, entry: number): void {
    let node = this.#root;
    for (const element of prefix.elements) {
      if (element.tag === "any") {
        node = node.any ??= newNode();
        continue;
      }
      node.labels ??= new Map();
      let next = node.labels.get(element.label);
      if (next === undefined) node.labels.set(element.label, (next = newNode()));
      node = next;
    }
    node.ends.push(entry);
  }
}

const newNode = (): Node => ({ labels: undefined, any: undefined, ends: [] });

function collect(node: Node, segments: readonly string[], depth: number, found: number[]): void {
  for (const entry of node.ends) found.push(entry);
  const segment = segments[depth];
  if (segment === undefined) return;
  const next = node.labels?.get(segment);
  if (next !== undefined) collect(next, segments, depth + 1, found);
  if (node.any !== undefined) collect(node.any, segments, depth + 1, found);
}
