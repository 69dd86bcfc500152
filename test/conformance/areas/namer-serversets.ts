/** Area `namer-serversets`: how the namer reads paths, over serversets that stand as the case says. */
import { Path, Var } from "../../../dtab/index.ts";
import { bindServerset, type FindServerset } from "../../../namers/zookeeper/serversets.ts";
import { observe } from "../../kit/namer.ts";
import { pluginContext } from "../../kit/plugin-context.ts";
import type { TestCase } from "../support/case.ts";
import { type Json, sameState } from "../support/trees.ts";

export default function run({ serversets, prefix, path, default: fallback, expect }: TestCase): void {
  const find: FindServerset = ({ node, endpoint, shard }) => {
    const name = `${node}${endpoint === undefined ? "" : `:${endpoint}`}${shard === undefined ? "" : `#${shard}`}`;
    return Var.value(lookOf(serversets[name] ?? fallback ?? { type: "neg" }));
  };
  const ctx = { ...pluginContext(), prefix: Path.read(prefix) };
  const tree = observe(bindServerset(Path.read(path), ctx, find).states);
  sameState(tree.last(), expect);
  tree.close();
}

function lookOf({ type, addrs }: Json): ReturnType<ReturnType<FindServerset>["sample"]> {
  switch (type) {
    case "bound":
      return {
        tag: "found",
        value: addrs.map(({ ip, port, meta }: Json) => ({ host: ip, port, meta })),
      };
    case "neg":
      return { tag: "absent" };
    case "failed":
      return { tag: "failed", message: "failed" };
    default:
      return { tag: "pending" };
  }
}
