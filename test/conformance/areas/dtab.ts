/** Area `dtab`: the syntax and algebra of dtabs. */
import assert from "node:assert/strict";
import { Dentry, Dtab, Path, Prefix } from "../../../dtab/index.ts";
import { expecting, same, type TestCase } from "../support/case.ts";
import { type Json, pathLeaf, treeToJson } from "../support/trees.ts";

export default function run(testCase: TestCase) {
  const { op, input, a, b, dtab, prefix, path, expect } = testCase;
  switch (op) {
    case "parse":
      return expecting(
        expect,
        () => Dtab.read(input),
        (result) => {
          same(result.dentries.map(dentryJson), expect.dentries, "dentries");
          same(result.show(), expect.show, "show");
        },
      );
    case "parseDentry":
      return expecting(
        expect,
        () => Dentry.read(input),
        (result) => same({ ...dentryJson(result), show: Dentry.show(result) }, expect),
      );
    case "parsePrefix":
      return expecting(
        expect,
        () => Prefix.read(input),
        (result) => same({ elems: result.elements.map(elementJson), show: result.show() }, expect),
      );
    case "concat":
      return same(Dtab.read(a).concat(Dtab.read(b)).show(), expect.show);
    case "stripPrefix":
      return same(Dtab.read(dtab).stripPrefix(Dtab.read(prefix)).show(), expect.show);
    case "simplified":
      return same(Dtab.read(dtab).simplified().show(), expect.show);
    case "equiv":
      return same(Dtab.read(a).equivalent(Dtab.read(b)), expect.result);
    case "prefixMatches":
      return same(Prefix.read(prefix).matches(Path.read(path)), expect.result);
    default:
      assert.fail(`no such op: ${op}`);
  }
}

const dentryJson = ({ prefix, dst }: Dentry): Json => ({
  prefix: prefix.show(),
  dst: treeToJson(dst, pathLeaf),
});

const elementJson = (element: Prefix["elements"][number]): Json =>
  element.tag === "any" ? { any: true } : { label_hex: Buffer.from(element.label, "latin1").toString("hex") };
