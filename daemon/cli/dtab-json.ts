/** Rules and bound trees as the JSON of `pointsman dtab --json`. */
import { type Addr, type Bound, type Dtab, NameTree, type Path } from "../../dtab/index.ts";
import { addrJson } from "../control/admin/delegate-json.ts";

/** The rules in the order of the text, each as text and as a tree. */
export const rulesJson = (dtab: Dtab): unknown =>
  dtab.dentries.map(({ prefix, dst }) => ({
    prefix: prefix.show(),
    dst: NameTree.showExact(dst),
    tree: treeJson(dst),
  }));

function treeJson(tree: NameTree<Path>): unknown {
  switch (tree.tag) {
    case "leaf":
      return { type: "leaf", path: tree.value.show() };
    case "alt":
      return { type: "alt", alt: tree.trees.map(treeJson) };
    case "union":
      return {
        type: "union",
        union: tree.branches.map(({ weight, tree: each }) => ({ weight, tree: treeJson(each) })),
      };
    case "neg":
    case "empty":
    case "fail":
      return { type: tree.tag };
  }
}

/** A bound tree in the form of `/delegator.json`. */
export function boundJson(tree: NameTree<Bound>, addrOf: (bound: Bound) => Addr): unknown {
  switch (tree.tag) {
    case "leaf": {
      const { id, residual } = tree.value;
      return {
        type: "leaf",
        bound: { addr: addrJson(addrOf(tree.value)), id: id.show(), path: residual.show() },
      };
    }
    case "union": {
      const branches = tree.branches.map(({ weight, tree: each }) => ({
        weight,
        tree: boundJson(each, addrOf),
      }));
      return { type: "union", union: branches };
    }
    case "alt":
      return { type: "alt", alt: tree.trees.map((each) => boundJson(each, addrOf)) };
    case "neg":
    case "empty":
    case "fail":
      return { type: tree.tag };
  }
}
