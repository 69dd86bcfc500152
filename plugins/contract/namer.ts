/** The slot `namer`: a path below a prefix to a tree of names. */
import type { Activity, Bound, NameTree, Path } from "../../dtab/index.ts";
import type { ControlContext } from "./context.ts";

/** A namer's context. */
export interface NamerContext extends ControlContext {
  /** The whole prefix of its names, e.g. `/#/io.l5d.fs`: ids start with it, paths it is asked do not. */
  readonly prefix: Path;
}

/** Looks a path up below its prefix; an unknown name is `Neg`, a backend in trouble is a failed Activity, never a throw. */
export interface Namer {
  lookup(path: Path): Activity<NameTree<Path | Bound>>;
  /** The names that could be bound now, for `/bound-names.json`. */
  names?(): readonly KnownName[];
  /** The document behind `/namer_state/<prefix>.json`. */
  state?(): unknown;
}

/** A namer with the prefix under which it is asked. */
export interface PrefixedNamer {
  readonly prefix: Path;
  readonly namer: Namer;
}

/** A name that could be bound now. */
export interface KnownName {
  readonly name: Path;
  /** Who says so. */
  readonly source: string;
  /** Seconds since the source last said so. */
  readonly ageSeconds: number;
  /** Whether that is longer than the namer's configuration allows. */
  readonly stale: boolean;
}
