/** Why a name leads nowhere: the walk that ended there, as lines for the body of an error. */
import { type DelegateTree, Dentry, type Dtab, type Path } from "../../dtab/index.ts";
import type { Clock, NameInterpreter } from "../../plugins/contract.ts";

/** Most lines of one explanation, and most characters of a line. */
const maxLines = 30;
const maxLineLength = 300;

/** Explanations a second: names come from requests, and nobody may keep the control thread busy by asking for bad ones. */
const perSecond = 50;

/** Explains names at a limited rate. */
export class Explainer {
  readonly #clock: Clock;
  #allowed = perSecond;
  #lastMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastMs = clock.now();
  }

  /** A line per step; undefined where the interpreter cannot tell, or not yet. */
  explain(interpreter: NameInterpreter, dtab: Dtab, path: Path): readonly string[] | undefined {
    if (interpreter.delegate === undefined) return undefined;
    const now = this.#clock.now();
    this.#allowed = Math.min(perSecond, this.#allowed + ((now - this.#lastMs) / 1000) * perSecond);
    this.#lastMs = now;
    if (this.#allowed < 1) return ["(not explained: too many names lead nowhere; see /delegator.json)"];
    this.#allowed -= 1;
    let tree: DelegateTree | undefined;
    try {
      interpreter
        .delegate(dtab, path)
        .observe((state) => {
          if (state.tag === "ok") tree = state.value;
        })
        .close();
    } catch {
      return undefined;
    }
    return tree === undefined ? undefined : showWalk(tree);
  }
}

/** The steps of a walk, deeper ones indented, each with the rule that led to it. */
export const showWalk = (tree: DelegateTree): readonly string[] => {
  const lines: string[] = [];
  walk(tree, 0, "", lines);
  if (lines.length <= maxLines) return lines;
  return [...lines.slice(0, maxLines - 1), "…"];
};

const walk = (tree: DelegateTree, depth: number, weight: string, lines: string[]): void => {
  // One more than is shown, so that it is known that something was left out.
  if (lines.length > maxLines) return;
  const rule = tree.dentry === undefined ? "" : `  (by ${Dentry.show(tree.dentry)})`;
  const line = `${"  ".repeat(depth)}${weight}${tree.path.show()}${outcome(tree)}${rule}`;
  lines.push(line.length > maxLineLength ? `${line.slice(0, maxLineLength - 1)}…` : line);
  switch (tree.tag) {
    case "delegate":
    case "transformation":
      walk(tree.tree, depth + 1, "", lines);
      return;
    case "alt":
      for (const each of tree.trees) walk(each, depth + 1, "", lines);
      return;
    case "union":
      for (const branch of tree.branches) walk(branch.tree, depth + 1, `${branch.weight} * `, lines);
      return;
    case "leaf":
    case "neg":
    case "empty":
    case "fail":
    case "exception":
      return;
  }
};

const outcome = (tree: DelegateTree): string => {
  switch (tree.tag) {
    case "leaf":
      return ` is ${tree.value.id.show()}`;
    case "neg":
      return ": no such name (~)";
    case "empty":
      return ": has no replicas ($)";
    case "fail":
      return ": fails (!)";
    case "exception":
      return `: ${tree.error.message}`;
    case "transformation":
      return ` is changed by ${tree.name}`;
    case "alt":
      return ": the first of";
    case "union":
      return ": by weight";
    case "delegate":
      return "";
  }
};
