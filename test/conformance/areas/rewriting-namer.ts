/** Area `rewriting-namer`: `io.l5d.rewrite`. A result that is no path is a failed lookup, never a throw. */
import { Path } from "../../../dtab/index.ts";
import { createRewritingNamer } from "../../../namers/rewrite.ts";
import { same, type TestCase } from "../support/case.ts";
import { sameState } from "../support/trees.ts";

export default function run({ pattern, name, path, expect }: TestCase) {
  const state = createRewritingNamer(pattern, name).lookup(Path.read(path)).sample();
  if (expect.error === true) return same(state.tag, "failed", "state");
  sameState(state, expect);
}
