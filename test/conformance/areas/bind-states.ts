/** Area `bind-states`: binding when lookups are pending or failed. */
import { Activity, type Bound, bind, NameTree, namersLookup, type Path } from "../../../dtab/index.ts";
import type { TestCase } from "../support/case.ts";
import { builtins } from "../support/stubs.ts";
import { sameState } from "../support/trees.ts";

export default function run({ tree, paths, expect }: TestCase) {
  const lookup = (path: Path): Activity<NameTree<Path | Bound>> => {
    const outcome: string | undefined = paths[path.show()];
    if (outcome === undefined) return namersLookup(builtins(), path);
    if (outcome === "pending") return Activity.pending;
    const failed = /^failed:(.*)$/.exec(outcome);
    return failed === null ? Activity.value(NameTree.read(outcome)) : Activity.failed(new Error(failed[1]));
  };
  sameState(bind(lookup, NameTree.read(tree)).sample(), expect);
}
