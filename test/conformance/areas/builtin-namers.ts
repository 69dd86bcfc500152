/** Area `builtin-namers`: `/$/inet` and the like. */
import { namersLookup, Path } from "../../../dtab/index.ts";
import type { TestCase } from "../support/case.ts";
import { builtins } from "../support/stubs.ts";
import { sameState } from "../support/trees.ts";

export default function run({ path, expect }: TestCase) {
  sameState(namersLookup(builtins(), Path.read(path)).sample(), expect);
}
