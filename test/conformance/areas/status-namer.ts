/** Area `status-namer`: a service that answers with one status. */
import { namersLookup, Path } from "../../../dtab/index.ts";
import { same, type TestCase } from "../support/case.ts";
import { builtins } from "../support/stubs.ts";

export default function run({ path, expect }: TestCase) {
  const state = namersLookup(builtins(), Path.read(path)).sample();
  same(state.tag, "ok", "state");
  if (state.tag !== "ok") return;
  if (expect.tree !== undefined) return same({ type: state.value.tag }, expect.tree, "tree");
  const bound =
    state.value.tag === "leaf" && !(state.value.value instanceof Path) ? state.value.value : undefined;
  const addr = bound?.addr.sample();
  same(addr?.tag === "bound" ? addr.addresses.map((each) => each.status) : addr, [expect.status], "status");
}
