/** A bound tree under another name. */
import { type Activity, type Bound, NameTree, type Path } from "../../dtab/index.ts";

/** Every leaf of the tree as the client `id`. */
export const bindAs = (id: Path, tree: Activity<NameTree<Bound>>): Activity<NameTree<Bound>> =>
  tree.map((found) => NameTree.map(found, ({ addr, residual }): Bound => ({ id, addr, residual })));
