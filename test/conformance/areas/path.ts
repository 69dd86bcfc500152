/** Area `path`: parsing, building and showing paths, and their algebra. */
import assert from "node:assert/strict";
import { Path, stripTransformerPrefix } from "../../../dtab/index.ts";
import { expecting, same, type TestCase } from "../support/case.ts";

const toHex = (bytes: string): string => Buffer.from(bytes, "latin1").toString("hex");
const fromHex = (hex: string): string => Buffer.from(hex, "hex").toString("latin1");

export default function run(testCase: TestCase) {
  const { op, expect } = testCase;
  const path = testCase["path"] === undefined ? Path.empty : Path.read(testCase["path"]);
  switch (op) {
    case "parse":
      return expecting(
        expect,
        () => Path.read(testCase["input"]),
        (result) => check(result, expect),
      );
    case "utf8":
      return expecting(
        expect,
        () => Path.utf8(...testCase["elems"]),
        (result) => check(result, expect),
      );
    case "bytes":
      return expecting(
        expect,
        () => Path.of(...testCase["elems_hex"].map(fromHex)),
        (result) => check(result, expect),
      );
    case "startsWith":
      return same(path.startsWith(Path.read(testCase["prefix"])), expect.result);
    case "equal":
      return same(Path.read(testCase["a"]).equals(Path.read(testCase["b"])), expect.result);
    case "take":
      return same(path.take(testCase["n"]).show(), expect.result);
    case "drop":
      return same(path.drop(testCase["n"]).show(), expect.result);
    case "concat":
      return same(Path.read(testCase["a"]).concat(Path.read(testCase["b"])).show(), expect.result);
    case "stripTransformerPrefix":
      return same(stripTransformerPrefix(path).show(), expect.result);
    default:
      assert.fail(`no such op: ${op}`);
  }
}

function check(path: Path, expect: TestCase["expect"]): void {
  same(path.segments.map(toHex), expect.elems_hex, "elems_hex");
  same(path.decode(), expect.utf8, "utf8");
  same(path.show(), expect.show, "show");
  same(path.size, expect.size, "size");
}
