/** Area `transformers`: bound trees through the transformers, as the daemon applies them. */
import assert from "node:assert/strict";
import {
  type NamedTransformer,
  transformInterpreter,
  transformNamer,
} from "../../../daemon/control/transforming.ts";
import {
  Activity,
  type Bound,
  bindPath,
  type DelegateTree,
  Dtab,
  NameTree,
  nameLookup,
  Path,
  type State,
} from "../../../dtab/index.ts";
import type { NameInterpreter, Transformer } from "../../../plugins/contract.ts";
import { filtering, sameMeta, throughGateways } from "../../../plugins/lib/bound-transformers.ts";
import { readNetmask } from "../../../plugins/lib/netmask.ts";
import { transformerPrefix } from "../../../plugins/prefix.ts";
import constant from "../../../plugins/transformers/const.ts";
import port from "../../../plugins/transformers/port.ts";
import replace from "../../../plugins/transformers/replace.ts";
import specificHost from "../../../plugins/transformers/specific-host.ts";
import { pluginContext } from "../../kit/plugin-context.ts";
import { same, type TestCase } from "../support/case.ts";
import { builtins } from "../support/stubs.ts";
import { boundFromJson, type Json, sameState, treeFromJson } from "../support/trees.ts";

const plugins = [constant, port, replace, specificHost];

export default function run({ op, tree, unbound, transformers, transformer, expect }: TestCase) {
  switch (op) {
    case "transform": {
      const bound = treeFromJson(tree, boundFromJson);
      const interpreter = transformInterpreter(interpreterOf(bound), transformers.map(named));
      return sameState(last(interpreter.bind(Dtab.empty, Path.empty)), expect);
    }
    case "namer": {
      const answer = unbound === undefined ? treeFromJson(tree, boundFromJson) : NameTree.read(unbound);
      const lookup = () => Activity.value<NameTree<Path | Bound>>(answer);
      const namer = transformNamer({ lookup }, transformers.map(named));
      return sameState(last(namer.lookup(Path.empty)), expect);
    }
    case "delegate": {
      const bound = boundFromJson(tree);
      const explained = transformInterpreter(interpreterOf(NameTree.leaf(bound)), [named(transformer)]);
      const state = last(explained.delegate!(Dtab.empty, bound.id));
      assert.equal(state.tag, "ok");
      if (state.tag === "ok") same(delegateJson(state.value), expect.tree, "tree");
      return;
    }
    default:
      assert.fail(`no such op: ${op}`);
  }
}

const named = (json: Json): NamedTransformer => ({ name: json.kind, transformer: create(json) });

function create(json: Json): Transformer {
  const test = Path.read(json.prefix ? `/%${json.prefix}` : "/%/test");
  switch (json.kind) {
    case "subnetLocal": {
      const mask = readNetmask(json.netmask);
      const keep = ({ host }: { host: string }) => json.localIps.some((ip: string) => mask.local(ip, host));
      return filtering(test, Activity.value(keep));
    }
    case "metadataFilter":
      return filtering(
        test,
        Activity.value(({ meta }) => meta[json.field] === json.value),
      );
    case "subnetGateway": {
      const mask = readNetmask(json.netmask);
      return throughGateways(test, gateways(json), (a, b) => mask.local(a.host, b.host));
    }
    case "metadataGateway":
      return throughGateways(test, gateways(json), sameMeta(json.field));
    default: {
      const plugin = plugins.find(({ kind }) => kind === json.kind);
      assert.ok(plugin, `transformer ${json.kind} is not built`);
      return plugin.create(json, {
        ...pluginContext(),
        prefix: transformerPrefix(json),
        bind: (path) => bindPath(nameLookup(Dtab.empty, builtins()), path),
      });
    }
  }
}

const gateways = (json: Json): Activity<NameTree<Bound>> =>
  Activity.value(treeFromJson(json.gateways, boundFromJson));

const interpreterOf = (tree: NameTree<Bound>): NameInterpreter => ({
  bind: () => Activity.value(tree),
  delegate: (_dtab, path) => {
    assert.equal(tree.tag, "leaf");
    const value = (tree as { readonly value: Bound }).value;
    return Activity.value<DelegateTree>({ tag: "leaf", path, dentry: undefined, value });
  },
});

function last<T>(activity: Activity<T>): State<T> {
  let seen: State<T> | undefined;
  activity.observe((state) => {
    seen = state;
  });
  return seen!;
}

/** The parts of an explanation that the vectors tell. */
function delegateJson(tree: DelegateTree): Json {
  const path = tree.path.show();
  if (tree.tag === "transformation") {
    return { type: tree.tag, path, value: valueJson(tree.value), tree: delegateJson(tree.tree) };
  }
  assert.equal(tree.tag, "leaf");
  const { value } = tree as { readonly value: Bound };
  return { type: "leaf", path, dentry: null, bound: valueJson(value) };
}

const valueJson = ({ id, residual }: Bound): Json => ({ id: id.show(), residual: residual.show() });
