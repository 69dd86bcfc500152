/** Dtabs: syntax, algebra, and the index held against trying every rule. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Dentry, Dtab, NameTree, Path, Prefix } from "../../dtab/index.ts";
import * as arbitrary from "../kit/names.ts";

/** Every rule tried, last first. */
const naive = (dtab: Dtab, path: Path): Dentry[] =>
  dtab.dentries.filter((each) => each.prefix.matches(path)).reverse();

test("a dtab reads back as it was shown", () => {
  fc.assert(fc.property(arbitrary.dtab, (dtab) => Dtab.read(dtab.show()).equals(dtab)));
  fc.assert(fc.property(arbitrary.dtab, (dtab) => Dtab.read(dtab.showExact()).equals(dtab)));
});

test("the index finds what trying every rule finds", () => {
  fc.assert(
    fc.property(arbitrary.dtab, arbitrary.path, (dtab, path) =>
      assert.deepEqual(dtab.matches(path), naive(dtab, path)),
    ),
  );
});

test("concatenated dtabs find what one of all their rules finds", () => {
  fc.assert(
    fc.property(fc.array(arbitrary.largeDtab, { maxLength: 4 }), arbitrary.path, (dtabs, path) => {
      const whole = dtabs.reduce((all, each) => all.concat(each), Dtab.empty);
      const rules = dtabs.flatMap((each) => each.dentries);
      assert.deepEqual(whole.dentries, rules);
      assert.equal(whole.length, rules.length);
      assert.deepEqual(whole.matches(path), naive(Dtab.of(rules), path));
    }),
  );
});

test("a prefix reads back as it was shown", () => {
  fc.assert(fc.property(arbitrary.prefix, (prefix) => Prefix.read(prefix.show()).equals(prefix)));
});

test("stripping what was put in front gives the dtab again", () => {
  fc.assert(fc.property(arbitrary.dtab, arbitrary.dtab, (a, b) => a.concat(b).stripPrefix(a).equals(b)));
});

test("a simplified dtab is equivalent to itself simplified again", () => {
  fc.assert(fc.property(arbitrary.dtab, (dtab) => dtab.simplified().simplified().equals(dtab.simplified())));
});

test("a later rule comes first", () => {
  const tree = Dtab.read("/a=>/b;/a=>/c").lookup(Path.read("/a/x"));
  assert.equal(NameTree.show(tree), "/c/x | /b/x");
});

test("a star matches one segment, whatever it is", () => {
  const dtab = Dtab.read("/a/*/c=>/d;/a/b=>/e");
  assert.equal(NameTree.show(dtab.lookup(Path.read("/a/b/c/x"))), "/e/c/x | /d/x");
  assert.equal(NameTree.show(dtab.lookup(Path.of("a", "*", "c"))), "/d");
  assert.equal(dtab.lookup(Path.read("/a/x")).tag, "neg");
});

test("an empty concatenation is the other dtab itself", () => {
  const dtab = Dtab.read("/a=>/b");
  assert.equal(Dtab.empty.concat(dtab), dtab);
  assert.equal(dtab.concat(Dtab.empty), dtab);
});
