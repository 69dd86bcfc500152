/** The shape of a name tree, apart from what can be done with it. */

/** A tree of alternatives and weighted splits over leaves. */
export type Tree<T> =
  | { readonly tag: "leaf"; readonly value: T }
  /** The first that is not Neg. */
  | { readonly tag: "alt"; readonly trees: readonly Tree<T>[] }
  /** One branch per request, by weight. */
  | { readonly tag: "union"; readonly branches: readonly Weighted<T>[] }
  /** No such name: an Alt moves on. */
  | { readonly tag: "neg" }
  /** A name without replicas: an Alt stops here. */
  | { readonly tag: "empty" }
  /** An Alt stops here with failure. */
  | { readonly tag: "fail" };

/** A branch of a union; weights are relative and not negative. */
export interface Weighted<T> {
  readonly weight: number;
  readonly tree: Tree<T>;
}
