/** Binds the longest beginning of a path whose name is there; the rest is residual. */
import { Activity, type Addr, type Bound, NameTree, type Path, type Var } from "../../dtab/index.ts";
import { treeOfLook } from "../lib/look-tree.ts";
import type { Look } from "../lib/watched-name.ts";

/** What a beginning of a path stands for. */
export interface Candidate {
  readonly look: Var<Look<unknown>>;
  readonly addr: Var<Addr>;
}

/** A path of more segments is looked at no further: each is a question that a request could cause. */
const mostSegments = 16;

/**
 * Asks for beginnings, the longest first; `candidate` gives undefined for one that can be no name. A shorter one is
 * asked for only while all longer ones are not there.
 */
export function bindLongest(
  path: Path,
  prefix: Path,
  candidate: (beginning: Path) => Candidate | Error | undefined,
): Activity<NameTree<Bound>> {
  const from = (size: number): Activity<NameTree<Bound>> => {
    if (size === 0) return neg;
    const beginning = path.take(size);
    const found = candidate(beginning);
    if (found === undefined) return from(size - 1);
    if (found instanceof Error) return Activity.failed(found);
    const bound = { id: prefix.concat(beginning), addr: found.addr, residual: path.drop(size) };
    return treeOfLook(found.look, bound).flatMap((tree) =>
      tree.tag === "neg" ? from(size - 1) : Activity.value(tree),
    );
  };
  return from(Math.min(path.size, mostSegments));
}

const neg: Activity<NameTree<Bound>> = Activity.value<NameTree<Bound>>(NameTree.neg);
