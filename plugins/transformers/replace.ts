/** `io.l5d.replace`: whatever a name is bound to, requests go to one other place; names that are not bound stay so. */
import { PathText } from "../../config/formats.ts";
import { Type } from "../../config/type.ts";
import { Activity, type Bound, NameTree, Path } from "../../dtab/index.ts";
import { definePlugin } from "../contract.ts";
import { bindAs } from "../lib/bind-as.ts";

export default definePlugin({
  slot: "transformer",
  kind: "io.l5d.replace",
  schema: Type.Object({
    path: PathText({ description: "Where requests go; bound without the dtab, so it begins with /# or /$." }),
  }),
  create: ({ path }, { prefix, bind }) => {
    const place = bindAs(prefix, bind(Path.read(path)));
    return { delegable: false, transform: (tree) => replaceLeaves(tree, place) };
  },
});

function replaceLeaves(tree: NameTree<Bound>, place: Activity<NameTree<Bound>>): Activity<NameTree<Bound>> {
  switch (tree.tag) {
    case "leaf":
      return place;
    case "alt":
      return Activity.join(tree.trees.map((each) => replaceLeaves(each, place))).map((trees) =>
        NameTree.alt(...trees),
      );
    case "union":
      return Activity.join(tree.branches.map((branch) => replaceLeaves(branch.tree, place))).map((trees) =>
        NameTree.union(...trees.map((each, i) => ({ weight: tree.branches[i]!.weight, tree: each }))),
      );
    case "neg":
    case "empty":
    case "fail":
      return Activity.value(tree);
  }
}
