/**
 * Area `path-matcher`. Where the reference throws because a wildcard runs past the end of the path, a failed request,
 * we say that the path does not match.
 */
import { Path, PathMatcher, substituteVars } from "../../../dtab/index.ts";
import { same, type TestCase } from "../support/case.ts";

export default function run({ op, pattern, path, template, vars, expect }: TestCase) {
  if (op === "substituteVars") return same(substituteVars(vars, template), expect.result);
  let matcher: PathMatcher;
  try {
    matcher = new PathMatcher(pattern);
  } catch {
    return same({ error: true }, expect);
  }
  if (op === "substitute") return same(matcher.substitute(Path.read(path), template) ?? null, expect.result);
  same(matcher.extract(Path.read(path)) ?? null, expect.error === true ? null : expect.vars, "vars");
}
