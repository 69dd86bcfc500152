/** Prefixes of namers and transformers, beyond what the vectors hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { namerEnabled, namerPrefix, transformerPrefix } from "../../plugins/prefix.ts";

test("a short kind is its own default prefix, and is gated as the long one is", () => {
  assert.equal(namerPrefix({ kind: "fs" }).show(), "/#/fs");
  assert.equal(namerEnabled({ kind: "dnssrv" }), false);
  assert.equal(namerEnabled({ kind: "dnssrv", experimental: true }), true);
});

test("a rewriting namer without prefix says what is missing", () => {
  assert.throws(() => namerPrefix({ kind: "rewrite" }), /rewrite needs a prefix/);
});

test("what a transformer's keys choose stands in its prefix", () => {
  assert.equal(transformerPrefix({ kind: "port", port: 80 }).show(), "/%/io.l5d.port/80");
  assert.equal(transformerPrefix({ kind: "io.l5d.const", path: "/$/nil" }).show(), "/%/io.l5d.const/$/nil");
});
