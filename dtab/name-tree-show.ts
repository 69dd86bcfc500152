/** Trees as text. */
import type { Tree } from "./tree.ts";

/** A tree whose leaves can be shown. */
export type Shown = Tree<{ show(): string }>;
/** A weight with its `*`, or nothing. */
export type ShowWeight = (weight: number) => string;

/** The canonical text: brackets only where they are needed, single branches as what they hold. */
export function showTree(tree: Shown, weight: ShowWeight): string {
  const only = onlyBranch(tree);
  if (only !== undefined) return showTree(only, weight);
  if (tree.tag === "alt" && tree.trees.length > 0)
    return tree.trees.map((each) => showUnion(each, weight)).join(" | ");
  return showUnion(tree, weight);
}

function showUnion(tree: Shown, weight: ShowWeight): string {
  const only = onlyBranch(tree);
  if (only !== undefined) return showUnion(only, weight);
  if (tree.tag !== "union" || tree.branches.length === 0) return showSimple(tree, weight);
  return tree.branches.map((each) => weight(each.weight) + showSimple(each.tree, weight)).join(" & ");
}

function showSimple(tree: Shown, weight: ShowWeight): string {
  const only = onlyBranch(tree);
  if (only !== undefined) return showSimple(only, weight);
  switch (tree.tag) {
    case "leaf":
      return tree.value.show();
    case "alt":
      return tree.trees.length === 0 ? "~" : `(${showTree(tree, weight)})`;
    case "union":
      return tree.branches.length === 0 ? "~" : `(${showTree(tree, weight)})`;
    case "neg":
      return "~";
    case "empty":
      return "$";
    case "fail":
      return "!";
  }
}

/** The only branch of an alt or a union, which is shown in its place. */
function onlyBranch<T>(tree: Tree<T>): Tree<T> | undefined {
  if (tree.tag === "alt" && tree.trees.length === 1) return tree.trees[0];
  return tree.tag === "union" && tree.branches.length === 1 ? tree.branches[0]!.tree : undefined;
}

/** Two decimals, the half rounded up in decimal (`toFixed` rounds the binary fraction: 0.995 would be 0.99). */
export function showWeight(weight: number): string {
  if (weight === 1) return "";
  const hundredths = Number(`${weight}e2`);
  const shown = Number.isSafeInteger(Math.round(hundredths))
    ? (Math.round(hundredths) / 100).toFixed(2)
    : plain(weight);
  return `${shown}*`;
}

/** The whole weight. */
export const showWeightExact = (weight: number): string => (weight === 1 ? "" : `${plain(weight)}*`);

/** A number without an exponent, which the grammar does not have. */
function plain(weight: number): string {
  const shown = String(weight);
  if (!shown.includes("e")) return shown;
  if (weight >= 1) return BigInt(weight).toString();
  const [digits = "", exponent = "0"] = shown.split("e-");
  return `0.${"0".repeat(Number(exponent) - 1)}${digits.replace(".", "")}`;
}
