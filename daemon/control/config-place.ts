/** Where a path of the configuration stands in its text, for complaints about it at start. */
import { type Place, parseSource, type SourceNode } from "../../config/source.ts";

/** The place of `routers[0].servers[1].port`, or of the nearest thing above it that the text holds. */
export const placeIn = (text: string, path: string): Place => {
  const { root, placeOf } = parseSource(text.replace(/^\uFEFF/, ""));
  let at = root?.at ?? 0;
  let node: SourceNode | undefined = root;
  for (const step of path.matchAll(/[^.[\]]+/g)) {
    node = child(node, step[0]);
    if (node === undefined) break;
    at = node.at;
  }
  return placeOf(at);
};

const child = (node: SourceNode | undefined, step: string): SourceNode | undefined => {
  switch (node?.tag) {
    case "map":
      return node.entries.get(step)?.value;
    case "list":
      return node.items[Number(step)];
    default:
      return undefined;
  }
};
