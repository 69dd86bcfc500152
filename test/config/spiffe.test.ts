/** SPIFFE ids and patterns of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesSpiffe, spiffeFault, spiffePatternFault } from "../../config/spiffe.ts";
import { seededRandom } from "../kit/random.ts";

test("a SPIFFE id has a trust domain and whole, plain segments", () => {
  for (const id of ["spiffe://td", "spiffe://a.b-c_1/ns/x", "spiffe://td/.a/A_b-c.d/..."])
    assert.equal(spiffeFault(id), undefined, id);
  for (const id of [
    ...["", "td/a", "http://td/a", "SPIFFE://td/a", "spiffe://", "spiffe:///a", "spiffe://TD/a"],
    ...["spiffe://td/", "spiffe://td//a", "spiffe://td/a/", "spiffe://td/.", "spiffe://td/../a"],
    ...["spiffe://td:80/a", "spiffe://u@td/a", "spiffe://td/a?b", "spiffe://td/a#b", "spiffe://td/a%20b"],
    ...["spiffe://td/*", "spiffe://td/a b", `spiffe://td/${"a".repeat(2048)}`],
  ])
    assert.notEqual(spiffeFault(id), undefined, id);
});

test("a pattern is an id, or one with * in place of its last segment", () => {
  for (const pattern of ["spiffe://td/a", "spiffe://td/*", "spiffe://td/a/*"])
    assert.equal(spiffePatternFault(pattern), undefined, pattern);
  for (const pattern of [
    "*",
    "/*",
    "spiffe://*",
    "spiffe://*/a",
    "spiffe://td/a*",
    "spiffe://td/*/a",
    "spiffe://td/*/*",
  ])
    assert.notEqual(spiffePatternFault(pattern), undefined, pattern);
});

test("what a pattern with * stands for is below it, by whole segments", () => {
  const random = seededRandom(7);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  for (let i = 0; i < 2000; i++) {
    const segments = Array.from({ length: Math.floor(random() * 4) }, () => pick(["a", "ab", "b"]));
    const above = Array.from({ length: Math.floor(random() * 4) }, () => pick(["a", "ab", "b"]));
    const id = ["spiffe://td", ...segments].join("/");
    const base = ["spiffe://td", ...above].join("/");
    const isBelow = segments.length > above.length && above.every((part, at) => part === segments[at]);
    assert.equal(matchesSpiffe(`${base}/*`, id), isBelow, `${base}/* ${id}`);
    assert.equal(matchesSpiffe(base, id), base === id);
  }
});
