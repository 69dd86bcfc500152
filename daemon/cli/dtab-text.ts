/** Explained walks and bound trees as text for people: one line per node, deeper ones under a branch. */
import {
  type Addr,
  Address,
  type Bound,
  type DelegateTree,
  Dentry,
  type NameTree,
  treeWeightKey,
} from "../../dtab/index.ts";

interface Line {
  readonly text: string;
  readonly children: readonly Line[];
}

/** A walk: each name, the rule that led to it, and what came of it. */
export const showDelegation = (tree: DelegateTree): string => draw(delegationLine(tree, ""));

/** A bound tree with the addresses of its names. */
export const showBound = (tree: NameTree<Bound>, addrOf: (bound: Bound) => Addr): string =>
  draw(boundLine(tree, "", addrOf));

/** One address with its facts. */
export function showAddress(address: Address): string {
  const meta = Object.entries(address.meta).map(([key, value]) => ` ${key}=${value}`);
  return Address.show(address) + meta.join("");
}

function delegationLine(tree: DelegateTree, weight: string): Line {
  const rule = tree.dentry === undefined ? "" : `   by ${Dentry.show(tree.dentry)}`;
  const line = (outcome: string, children: readonly Line[] = []): Line => ({
    text: `${weight}${tree.path.show()}${outcome}${rule}`,
    children,
  });
  switch (tree.tag) {
    case "delegate":
      return line("", [delegationLine(tree.tree, "")]);
    case "alt":
      return line(
        "   the first of",
        tree.trees.map((each) => delegationLine(each, "")),
      );
    case "union":
      return line(
        "   one of",
        tree.branches.map((each) => delegationLine(each.tree, `${each.weight} * `)),
      );
    case "leaf": {
      const { id, residual } = tree.value;
      return line(`   is bound to ${id.show()}${residual.isEmpty ? "" : `, rest ${residual.show()}`}`);
    }
    case "neg":
      return line("   names nothing (~)");
    case "empty":
      return line("   names an empty set ($)");
    case "fail":
      return line("   fails (!)");
    case "exception":
      return line(`   error: ${tree.error.message}`);
    case "transformation":
      return line(`   changed by ${tree.name}`, [delegationLine(tree.tree, "")]);
  }
}

function boundLine(tree: NameTree<Bound>, weight: string, addrOf: (bound: Bound) => Addr): Line {
  switch (tree.tag) {
    case "leaf":
      return leafLine(tree.value, weight, addrOf(tree.value));
    case "union": {
      const branches = tree.branches.map((each) => boundLine(each.tree, `${each.weight} * `, addrOf));
      return { text: `${weight}one of`, children: branches };
    }
    case "alt":
      return {
        text: `${weight}the first of`,
        children: tree.trees.map((each) => boundLine(each, "", addrOf)),
      };
    case "neg":
      return { text: `${weight}~   names nothing`, children: [] };
    case "empty":
      return { text: `${weight}$   an empty set`, children: [] };
    case "fail":
      return { text: `${weight}!   fails`, children: [] };
  }
}

function leafLine({ id, residual }: Bound, weight: string, addr: Addr): Line {
  const rest = residual.isEmpty ? "" : `   rest ${residual.show()}`;
  const line = (note: string, children: readonly Line[] = []): Line => ({
    text: `${weight}${id.show()}${rest}${note}`,
    children,
  });
  switch (addr.tag) {
    case "bound": {
      const meta = Object.entries(addr.meta).filter(([key]) => key !== treeWeightKey);
      const facts = meta.map(([key, value]) => `   ${key}=${value}`).join("");
      const children = addr.addresses.map((address) => ({ text: showAddress(address), children: [] }));
      return line(facts + (children.length === 0 ? "   no addresses" : ""), children);
    }
    case "neg":
      return line("   no such host");
    case "pending":
      return line("   its addresses are not known yet");
    case "failed":
      return line(`   error: ${addr.message}`);
  }
}

function draw(root: Line): string {
  const lines: string[] = [];
  const add = (line: Line, first: string, rest: string): void => {
    lines.push(first + line.text);
    line.children.forEach((child, i) => {
      const last = i === line.children.length - 1;
      add(child, rest + (last ? "└─ " : "├─ "), rest + (last ? "   " : "│  "));
    });
  };
  add(root, "", "");
  return `${lines.join("\n")}\n`;
}
