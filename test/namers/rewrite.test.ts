/** `io.l5d.rewrite`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Path } from "../../dtab/index.ts";
import { createRewritingNamer } from "../../namers/rewrite.ts";
import { testNamer } from "../kit/namer.ts";

testNamer("io.l5d.rewrite", () => ({
  namer: createRewritingNamer("/{service}.{ns}", "/#/fs/{ns}/{service}"),
  known: Path.read("/web.prod"),
  unknown: Path.read("/web"),
  leadsTo: "/#/fs/prod/web",
  dropsResidual: true,
  dispose() {},
}));

test("a name that comes out as no path is a failed lookup that says so", () => {
  const state = createRewritingNamer("/{x}", "no/{x}").lookup(Path.read("/a")).sample();
  assert.ok(state.tag === "failed");
  assert.match(state.error.message, /io\.l5d\.rewrite made no path of \/a: '\/' expected but 'n' found/);
});
