/** Paths: syntax, bytes and algebra. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DtabSyntaxError, fromUtf8Bytes, Path, utf8Bytes } from "../../dtab/index.ts";
import * as arbitrary from "../kit/names.ts";

test("a path reads back as it was shown", () => {
  fc.assert(fc.property(arbitrary.path, (path) => Path.read(path.show()).equals(path)));
});

test("take and drop together give the path again", () => {
  fc.assert(
    fc.property(arbitrary.path, fc.integer({ min: -2, max: 6 }), (path, n) =>
      path.take(n).concat(path.drop(n)).equals(path),
    ),
  );
});

test("a path starts with each of its beginnings and with nothing longer", () => {
  fc.assert(
    fc.property(arbitrary.path, arbitrary.path, (a, b) => {
      const both = a.concat(b);
      return both.startsWith(a) && (b.isEmpty || !a.startsWith(both));
    }),
  );
});

test("equal paths are shown alike, and only they", () => {
  fc.assert(fc.property(arbitrary.path, arbitrary.path, (a, b) => a.equals(b) === (a.show() === b.show())));
});

test("bytes of header values need no conversion", () => {
  assert.equal(Path.of("caf\xc3\xa9").show(), "/\\x63\\x61\\x66\\xc3\\xa9");
  assert.deepEqual(Path.utf8("café").segments, ["caf\xc3\xa9"]);
  assert.deepEqual(Path.of("caf\xc3\xa9").decode(), ["café"]);
});

test("UTF-8 survives the way to bytes and back", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
      (text) => fromUtf8Bytes(utf8Bytes(text)) === text,
    ),
  );
});

test("what is no byte string, and what is empty, is refused", () => {
  assert.throws(() => Path.of("€"), RangeError);
  assert.throws(() => Path.of("a", ""), RangeError);
  assert.throws(() => Path.utf8(""), RangeError);
});

test("a path is shown once", () => {
  const path = Path.read("/a/b");
  assert.equal(path.show(), path.show());
  assert.equal(`${path}`, "/a/b");
  assert.equal(JSON.stringify({ path }), '{"path":"/a/b"}');
});

test("a syntax error tells the place", () => {
  assert.throws(
    () => Path.read("\n  /a/\n"),
    (error: unknown) => {
      assert.ok(error instanceof DtabSyntaxError);
      assert.equal(error.offset, 6);
      assert.equal(error.expected, "label char");
      assert.deepEqual(error.position, { line: 2, column: 6 });
      assert.equal(error.message, "label char expected but '\n' found at '\n  /a/[\n]'");
      return true;
    },
  );
});
