/** Patterns on names, beyond what the vectors hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Path, PathMatcher, substituteVars } from "../../dtab/index.ts";

test("a wildcard past the end of the path does not match", () => {
  assert.equal(new PathMatcher("/a/*").extract(Path.read("/a")), undefined);
});

test("a capture's name with a dot is refused when the pattern is made", () => {
  assert.throws(() => new PathMatcher("/{a.b}"), /may not contain a dot: \{a\.b\}/);
});

test("an invalid expression is refused when the pattern is made", () => {
  assert.throws(() => new PathMatcher("/{a}("), /not a pattern: \{a\}\(/);
});

test("names of captures do not reach the prototype", () => {
  assert.equal(substituteVars({}, "/{constructor}"), "/{constructor}");
  assert.equal(new PathMatcher("/{x}").substitute(Path.read("/y"), "/{toString}/{x}"), "/{toString}/y");
});
