/** NameTree<T>: what a name leads to, before and after binding. */
import { showTree, showWeight, showWeightExact } from "./name-tree-show.ts";
import { Parser } from "./parser.ts";
import { Path } from "./path.ts";
import type { Tree, Weighted } from "./tree.ts";

export type { Weighted } from "./tree.ts";

/** A tree of alternatives and weighted splits over leaves. */
export type NameTree<T> = Tree<T>;

/** Makers of trees and the operations on them. */
export const NameTree = {
  leaf: <T>(value: T): NameTree<T> => ({ tag: "leaf", value }),
  alt: <T>(...trees: readonly NameTree<T>[]): NameTree<T> => ({ tag: "alt", trees }),
  union: <T>(...branches: readonly Weighted<T>[]): NameTree<T> => ({ tag: "union", branches }),
  neg: { tag: "neg" } as const satisfies NameTree<never>,
  empty: { tag: "empty" } as const satisfies NameTree<never>,
  fail: { tag: "fail" } as const satisfies NameTree<never>,

  /** Reads `/a | 2 * /b & /c`; throws `DtabSyntaxError`. Nothing is simplified but the brackets of single branches. */
  read: (text: string): NameTree<Path> => {
    const parser = new Parser(text);
    const tree = parseTree(parser);
    parser.end();
    return tree;
  },

  /** The canonical text; weights have two decimals, as Finagle prints them. */
  show: <T extends { show(): string }>(tree: NameTree<T>): string => showTree(tree, showWeight),

  /** As `show`, with weights in full: reads back as the same tree. */
  showExact: <T extends { show(): string }>(tree: NameTree<T>): string => showTree(tree, showWeightExact),

  /** The tree with every leaf changed. */
  map: <T, U>(tree: NameTree<T>, fn: (value: T) => U): NameTree<U> => {
    switch (tree.tag) {
      case "leaf":
        return NameTree.leaf(fn(tree.value));
      case "alt":
        return { tag: "alt", trees: tree.trees.map((each) => NameTree.map(each, fn)) };
      case "union": {
        const branches = tree.branches.map((each) => ({
          weight: each.weight,
          tree: NameTree.map(each.tree, fn),
        }));
        return { tag: "union", branches };
      }
      case "neg":
      case "empty":
      case "fail":
        return tree;
    }
  },

  /** Whether two trees are written alike, leaves compared by `equals`. */
  equals: <T>(a: NameTree<T>, b: NameTree<T>, equals: (a: T, b: T) => boolean): boolean => {
    if (a.tag === "leaf" && b.tag === "leaf") return equals(a.value, b.value);
    if (a.tag === "alt" && b.tag === "alt") {
      return (
        a.trees.length === b.trees.length &&
        a.trees.every((each, i) => NameTree.equals(each, b.trees[i]!, equals))
      );
    }
    if (a.tag === "union" && b.tag === "union") {
      const same = (each: Weighted<T>, other: Weighted<T>) =>
        each.weight === other.weight && NameTree.equals(each.tree, other.tree, equals);
      return (
        a.branches.length === b.branches.length && a.branches.every((each, i) => same(each, b.branches[i]!))
      );
    }
    return a.tag === b.tag;
  },

  /** The same meaning with less: what can never be reached is left out. A fixpoint. */
  simplify: <T>(tree: NameTree<T>): NameTree<T> => {
    if (tree.tag === "alt") return simplifyAlt(tree.trees);
    return tree.tag === "union" ? simplifyUnion(tree.branches) : tree;
  },

  /** The leaves that may be chosen, none of them twice; undefined where there is no such name. */
  eval: <T>(tree: NameTree<T>, keyOf: (value: T) => unknown = (value) => value): readonly T[] | undefined => {
    const leaves = evaluate(tree, keyOf);
    return leaves === "neg" || leaves === "fail" ? undefined : [...leaves.values()];
  },

  /** Every leaf, in order. */
  leaves: <T>(tree: NameTree<T>): T[] => {
    switch (tree.tag) {
      case "leaf":
        return [tree.value];
      case "alt":
        return tree.trees.flatMap((each) => NameTree.leaves(each));
      case "union":
        return tree.branches.flatMap((each) => NameTree.leaves(each.tree));
      case "neg":
      case "empty":
      case "fail":
        return [];
    }
  },
};

// === Grammar ===
// tree = union { "|" union }; union = weighted { "&" weighted }; weighted = [ number "*" ] simple
// simple = path | "!" | "~" | "$" | "(" tree ")"

/** Reads a tree where a parser stands, and the blanks after it. */
export function parseTree(parser: Parser): NameTree<Path> {
  const trees: NameTree<Path>[] = [];
  do {
    trees.push(parseUnion(parser));
  } while (parser.maybe("|"));
  return trees.length === 1 ? trees[0]! : { tag: "alt", trees };
}

function parseUnion(parser: Parser): NameTree<Path> {
  const branches: Weighted<Path>[] = [];
  do {
    parser.skip();
    branches.push(parseWeighted(parser));
    parser.skip();
  } while (parser.maybe("&"));
  return branches.length === 1 ? branches[0]!.tree : { tag: "union", branches };
}

function parseWeighted(parser: Parser): Weighted<Path> {
  if (!parser.atNumber()) return { weight: 1, tree: parseSimple(parser) };
  const weight = parser.number();
  parser.skip();
  parser.eat("*");
  parser.skip();
  return { weight, tree: parseSimple(parser) };
}

function parseSimple(parser: Parser): NameTree<Path> {
  if (parser.maybe("(")) {
    const tree = parseTree(parser);
    parser.eat(")");
    return tree;
  }
  if (parser.maybe("!")) return NameTree.fail;
  if (parser.maybe("~")) return NameTree.neg;
  if (parser.maybe("$")) return NameTree.empty;
  if (parser.peek() !== "/") parser.fail("simple");
  return NameTree.leaf(Path.of(...parser.segments()));
}

// === Simplify and eval ===

function simplifyAlt<T>(trees: readonly NameTree<T>[]): NameTree<T> {
  const kept: NameTree<T>[] = [];
  for (const tree of trees) {
    const simple = NameTree.simplify(tree);
    if (simple.tag !== "neg") kept.push(simple);
    if (simple.tag === "fail") break;
  }
  if (kept.length === 0) return NameTree.neg;
  return kept.length === 1 ? kept[0]! : { tag: "alt", trees: kept };
}

function simplifyUnion<T>(branches: readonly Weighted<T>[]): NameTree<T> {
  if (branches.length === 1) return NameTree.simplify(branches[0]!.tree);
  const kept = branches
    .map(({ weight, tree }) => ({ weight, tree: NameTree.simplify(tree) }))
    .filter(({ tree }) => tree.tag !== "neg" && tree.tag !== "fail");
  if (kept.length === 0) return NameTree.neg;
  return kept.length === 1 ? kept[0]!.tree : { tag: "union", branches: kept };
}

type Leaves<T> = ReadonlyMap<unknown, T> | "neg" | "fail";

function evaluate<T>(tree: NameTree<T>, keyOf: (value: T) => unknown): Leaves<T> {
  switch (tree.tag) {
    case "leaf":
      return new Map([[keyOf(tree.value), tree.value]]);
    case "alt":
      for (const each of tree.trees) {
        const leaves = evaluate(each, keyOf);
        if (leaves !== "neg") return leaves;
      }
      return "neg";
    case "union": {
      if (tree.branches.length === 1) return evaluate(tree.branches[0]!.tree, keyOf);
      const all = tree.branches.map((each) => evaluate(each.tree, keyOf));
      const good = all.filter((leaves) => leaves !== "neg" && leaves !== "fail");
      return good.length === 0 ? "neg" : new Map(good.flatMap((leaves) => [...leaves]));
    }
    case "neg":
    case "fail":
      return tree.tag;
    case "empty":
      return new Map();
  }
}
