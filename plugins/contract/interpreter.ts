/** The slot `interpreter`: a path under a whole dtab to a bound tree. */
import type { Activity, Bound, DelegateTree, Dtab, NameTree, Path } from "../../dtab/index.ts";
import type { ControlContext } from "./context.ts";
import type { PrefixedNamer } from "./namer.ts";

/** An interpreter's context. */
export interface InterpreterContext extends ControlContext {
  /** The configured namers, in the order in which they are tried. */
  readonly namers: readonly PrefixedNamer[];
}

/** Binds a path under a dtab, to the end: the tree holds no Alt. */
export interface NameInterpreter {
  bind(dtab: Dtab, path: Path): Activity<NameTree<Bound>>;
  /** The same walk, explained; absent where an interpreter cannot tell. */
  delegate?(dtab: Dtab, path: Path): Activity<DelegateTree>;
  /** The interpreter's own dtab, to which the router's is appended. */
  dtab?(): Activity<Dtab>;
  /** The document behind `/<router>/interpreter_state/<kind>.json`. */
  state?(): unknown;
}
