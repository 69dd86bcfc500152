/** The slot `transformer`: a bound tree to another. */
import type { Activity, Bound, NameTree, Path } from "../../dtab/index.ts";
import type { ControlContext } from "./context.ts";

/** A transformer's context. */
export interface TransformerContext extends ControlContext {
  /** What it puts in front of the ids that it changes, e.g. `/%/io.l5d.port/8080`. */
  readonly prefix: Path;
  /**
   * Binds a path under an empty dtab. Around an interpreter it goes through the namers as they are configured, around
   * a namer through all of them without their transformers, so that none can lead back to itself.
   */
  readonly bind: (path: Path) => Activity<NameTree<Bound>>;
}

/** Changes every bound tree that comes from an interpreter or a namer. */
export interface Transformer {
  transform(tree: NameTree<Bound>): Activity<NameTree<Bound>>;
  /** False where a delegation cannot be shown through it. */
  readonly delegable: boolean;
}
