/** `io.l5d.rewrite`: names that fit a pattern are looked up under another name. */
import { Type } from "../config/type.ts";
import { Activity, NameTree, Path, PathMatcher } from "../dtab/index.ts";
import { definePlugin, type Namer } from "../plugins/contract.ts";

export default definePlugin({
  slot: "namer",
  kind: "io.l5d.rewrite",
  schema: Type.Object({
    pattern: Type.String({ format: "pattern", description: "Which names: `/{service}.{ns}/*`." }),
    name: Type.String({ description: "The new name, with the pattern's captures: `/srv/{ns}/{service}`." }),
  }),
  create: ({ pattern, name }) => createRewritingNamer(pattern, name),
});

/** Rewrites whole names; segments beyond the pattern are lost. A result that is no path is a failed lookup. */
export function createRewritingNamer(pattern: string, name: string): Namer {
  const matcher = new PathMatcher(pattern);
  return {
    lookup(path) {
      const rewritten = matcher.substitute(path, name);
      if (rewritten === undefined) return Activity.value<NameTree<Path>>(NameTree.neg);
      try {
        return Activity.value(NameTree.leaf(Path.read(rewritten)));
      } catch (error) {
        return Activity.failed(
          new Error(`io.l5d.rewrite made no path of ${path.show()}: ${(error as Error).message}`),
        );
      }
    },
  };
}
