/** Arbitrary names, trees and dtabs for property tests. */
import fc from "fast-check";
import {
  type Dentry,
  Dtab,
  NameTree,
  Path,
  Prefix,
  type PrefixElement,
  type Weighted,
} from "../../dtab/index.ts";

/** A segment: mostly a short word, so that rules and names meet; sometimes any bytes. */
export const segment: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "c", "web") },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => String.fromCharCode(...bytes)),
  },
);

/** Any path. */
export const path: fc.Arbitrary<Path> = fc
  .array(segment, { maxLength: 4 })
  .map((segments) => Path.of(...segments));

const element: fc.Arbitrary<PrefixElement> = fc.oneof(
  { weight: 4, arbitrary: segment.map((label): PrefixElement => ({ tag: "label", label })) },
  { weight: 1, arbitrary: fc.constant<PrefixElement>({ tag: "any" }) },
);

/** Any prefix. */
export const prefix: fc.Arbitrary<Prefix> = fc
  .array(element, { maxLength: 3 })
  .map((elements) => new Prefix(elements));

/** Weights that `show` prints in full. */
const weight: fc.Arbitrary<number> = fc.oneof(
  fc.constant(1),
  fc.integer({ min: 0, max: 10_000 }).map((hundredths) => hundredths / 100),
);

/** Any tree; `branches` is the least number of them, 2 for what a text can say. */
export const treeOf = <T>(leaf: fc.Arbitrary<T>, branches = 2, weights = weight): fc.Arbitrary<NameTree<T>> =>
  fc.letrec<{ tree: NameTree<T> }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      { weight: 4, arbitrary: leaf.map((value) => NameTree.leaf(value)) },
      fc.constantFrom<NameTree<T>>(NameTree.neg, NameTree.empty, NameTree.fail),
      fc
        .array(tie("tree"), { minLength: branches, maxLength: 3 })
        .map((trees): NameTree<T> => ({ tag: "alt", trees })),
      fc
        .array(fc.record<Weighted<T>>({ weight: weights, tree: tie("tree") }), {
          minLength: branches,
          maxLength: 3,
        })
        .map((each): NameTree<T> => ({ tag: "union", branches: each })),
    ),
  })).tree;

/** Any tree of paths. */
export const pathTree: fc.Arbitrary<NameTree<Path>> = treeOf(path);

const dentry: fc.Arbitrary<Dentry> = fc.record({ prefix, dst: pathTree });

/** Any dtab. */
export const dtab: fc.Arbitrary<Dtab> = fc
  .array(dentry, { maxLength: 12 })
  .map((dentries) => Dtab.of(dentries));

/** Dtabs of which some are too large to be merged into others. */
export const largeDtab: fc.Arbitrary<Dtab> = fc
  .tuple(fc.array(dentry, { maxLength: 6 }), fc.constantFrom(0, 0, 80))
  .map(([dentries, filler]) => {
    const rules = Array.from(
      { length: filler },
      (_, i): Dentry => ({ prefix: Prefix.read(`/filler/${i}`), dst: NameTree.fail }),
    );
    return Dtab.of([...rules, ...dentries]);
  });
