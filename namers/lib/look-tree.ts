/** What is known of a name, as the tree that a namer answers with. */
import { Activity, Addr, type Bound, NameTree, State, Var } from "../../dtab/index.ts";
import type { Look } from "./watched-name.ts";

type TreeState = State<NameTree<Bound>>;

/** A leaf while the name is found, and Neg while it is absent; what its addresses are does not touch the tree. */
export function treeOfLook(look: Var<Look<unknown>>, bound: Bound): Activity<NameTree<Bound>> {
  const leaf = State.ok(NameTree.leaf(bound));
  return Activity.of(
    Var.distinct(
      look.map((now) => stateOf(now, leaf)),
      sameState,
    ),
  );
}

/** The addresses of a name, marked while they are distrusted. */
export const addrOfLook = <V>(look: Var<Look<V>>, addrOf: (value: V) => Var<Addr>): Var<Addr> =>
  look.flatMap((now) => {
    if (now.tag !== "found") return Var.value(addrWithout(now));
    return now.distrusted ? addrOf(now.value).map(Addr.distrusted) : addrOf(now.value);
  });

function stateOf(look: Look<unknown>, leaf: TreeState): TreeState {
  switch (look.tag) {
    case "pending":
      return State.pending;
    case "found":
      return leaf;
    case "absent":
      return neg;
    case "failed":
      return State.failed(look.message);
  }
}

function addrWithout(look: Exclude<Look<unknown>, { tag: "found" }>): Addr {
  switch (look.tag) {
    case "pending":
      return Addr.pending;
    case "absent":
      return Addr.neg;
    case "failed":
      return Addr.failed(look.message);
  }
}

const sameState = (a: TreeState, b: TreeState): boolean =>
  a === b || (a.tag === "failed" && b.tag === "failed" && a.error.message === b.error.message);

const neg: TreeState = State.ok(NameTree.neg);
