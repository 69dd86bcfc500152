/** Area `namer-config`: prefixes, gates and order of namers and transformers. */
import assert from "node:assert/strict";
import { inOrderTried, namerEnabled, namerPrefix, transformerPrefix } from "../../../plugins/prefix.ts";
import { expecting, same, type TestCase } from "../support/case.ts";

export default function run({ op, config, namers, expect }: TestCase) {
  switch (op) {
    case "prefix":
      return expecting(
        expect,
        () => ({ prefix: namerPrefix(config).show(), enabled: namerEnabled(config) }),
        (result) => same(result, { enabled: result.enabled, ...expect }),
      );
    case "transformer-prefix":
      return same(transformerPrefix(config).show(), expect.prefix);
    case "order":
      return same(inOrderTried(namers.map(namerPrefix)).map(String), expect.order);
    default:
      assert.fail(`no such op: ${op}`);
  }
}
