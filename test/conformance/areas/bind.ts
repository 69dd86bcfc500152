/** Area `bind`: binding a path to the end. */
import { Dtab, Path } from "../../../dtab/index.ts";
import type { TestCase } from "../support/case.ts";
import { stubInterpreter } from "../support/stubs.ts";
import { sameState } from "../support/trees.ts";

export default function run({ dtab, baseDtab, path, namers, expect }: TestCase) {
  const interpreter = stubInterpreter(namers, baseDtab);
  sameState(interpreter.bind(Dtab.read(dtab), Path.read(path)).sample(), expect);
}
