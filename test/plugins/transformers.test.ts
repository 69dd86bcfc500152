/** Transformers, beyond what the vectors hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Activity,
  Addr,
  Address,
  type Bound,
  type MutableVar,
  NameTree,
  Path,
  State,
  Var,
} from "../../dtab/index.ts";
import type { Transformer, TransformerContext } from "../../plugins/contract.ts";
import { filtering, type Keep, sameMeta, throughGateways } from "../../plugins/lib/bound-transformers.ts";
import constant from "../../plugins/transformers/const.ts";
import localnode from "../../plugins/transformers/k8s-localnode.ts";
import { createLocalhost } from "../../plugins/transformers/localhost.ts";
import port from "../../plugins/transformers/port.ts";
import replace from "../../plugins/transformers/replace.ts";
import specificHost from "../../plugins/transformers/specific-host.ts";
import { fakeClock } from "../kit/clock.ts";
import { observe } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";

type Tree = NameTree<Bound>;

const context = (options: Partial<TransformerContext> = {}): TransformerContext => ({
  ...pluginContext(),
  prefix: Path.read("/%/t"),
  bind: () => Activity.value<Tree>(NameTree.neg),
  ...options,
});

const boundTo = (addr: Var<Addr>, id = "/#/n/a"): Tree =>
  NameTree.leaf({ id: Path.read(id), addr, residual: Path.read("/rest") });

const setOf = (...hosts: string[]): Addr => Addr.bound(hosts.map((host) => Address.of(host, 80)));

/** What observers of the transformed leaf's addresses see, as it changes. */
function transformed(transformer: Transformer, addr: Var<Addr>) {
  const state = observe(transformer.transform(boundTo(addr)).states).last();
  assert.ok(state.tag === "ok" && state.value.tag === "leaf");
  const leaf = state.value.value;
  return { id: leaf.id.show(), residual: leaf.residual.show(), addr: observe(leaf.addr) };
}

const shown = (addr: Addr): string =>
  addr.tag === "bound" ? addr.addresses.map(Address.show).join(" ") : addr.tag;

test("an update of the addresses goes through a filter", () => {
  const source = Var.mutable<Addr>(setOf("10.0.0.1", "10.0.0.2"));
  const { addr, id, residual } = transformed(specificHost.create({ host: "10.0.0.2" }, context()), source);
  assert.equal(id, "/%/t/#/n/a");
  assert.equal(residual, "/rest");
  assert.equal(shown(addr.last()), "10.0.0.2:80");
  source.set(setOf("10.0.0.1"));
  assert.equal(shown(addr.last()), "neg");
  source.set(setOf("10.0.0.2"));
  assert.equal(shown(addr.last()), "10.0.0.2:80");
  source.set(Addr.failed("away"));
  assert.deepEqual(addr.last(), { tag: "failed", message: "away" });
});

test("a filter that is not known yet is pending, and one that cannot be known is failed", () => {
  const filter = Var.mutable<State<Keep>>(State.pending);
  const { addr } = transformed(
    filtering(Path.read("/%/t"), Activity.of(filter)),
    Var.value(setOf("10.0.0.1")),
  );
  assert.equal(shown(addr.last()), "pending");
  filter.set(State.failed(new Error("nobody knows")));
  assert.deepEqual(addr.last(), { tag: "failed", message: "nobody knows" });
  filter.set(State.ok(() => true));
  assert.equal(shown(addr.last()), "10.0.0.1:80");
});

test("addresses without an IP pass every filter", () => {
  const { addr } = transformed(
    specificHost.create({ host: "10.0.0.2" }, context()),
    Var.value(Addr.bound([Address.status(204), Address.of("elsewhere.example", 80)])),
  );
  assert.equal(shown(addr.last()), "status 204 elsewhere.example:80");
});

test("localhost follows the interfaces of the host while somebody observes", async () => {
  const clock = fakeClock();
  let interfaces = ["127.0.0.1", "fe80::1"];
  const localhost = createLocalhost({ prefix: Path.read("/%/t"), clock }, () => interfaces);
  const { addr } = transformed(localhost, Var.value(setOf("127.0.0.1", "10.1.1.1", "fe80:0::1")));
  assert.equal(shown(addr.last()), "127.0.0.1:80 [fe80:0::1]:80");
  interfaces = ["127.0.0.1", "10.1.1.1"];
  await clock.advance(10_000);
  assert.equal(shown(addr.last()), "127.0.0.1:80 10.1.1.1:80");
  addr.close();
  await clock.advance(0);
  assert.equal(clock.sleepers, 0);
});

test("specificHost resolves a name through /$/inet and follows it", () => {
  const asked: string[] = [];
  const found = Var.mutable<Addr>(Addr.pending);
  const bind = (path: Path) => {
    asked.push(path.show());
    return Activity.value(boundTo(found));
  };
  const { addr } = transformed(
    specificHost.create({ host: "db.example" }, context({ bind })),
    Var.value(setOf("10.0.0.1", "10.0.0.2")),
  );
  assert.deepEqual(asked, ["/$/inet/db.example/1"]);
  assert.equal(shown(addr.last()), "pending");
  found.set(setOf("10.0.0.2"));
  assert.equal(shown(addr.last()), "10.0.0.2:80");
  found.set(Addr.neg);
  assert.equal(shown(addr.last()), "neg");
});

test("a port leaves alone what is served in process", () => {
  const { addr } = transformed(
    port.create({ port: 81 }, context()),
    Var.value(Addr.bound([Address.status(204), Address.of("10.0.0.1", 80)])),
  );
  assert.equal(shown(addr.last()), "status 204 10.0.0.1:81");
});

test("const and replace follow the place that they lead to, and cannot be shown", () => {
  const place: MutableVar<State<Tree>> = Var.mutable<State<Tree>>(State.pending);
  const ctx = context({ bind: () => Activity.of(place) });
  const everything = constant.create({ path: "/#/n/x" }, ctx);
  const bound = replace.create({ path: "/#/n/x" }, ctx);
  assert.deepEqual([everything.delegable, bound.delegable], [false, false]);
  const seen = [everything, bound].map((each) =>
    observe(each.transform(boundTo(Var.value(setOf("10.0.0.1")))).states),
  );
  const unbound = observe(bound.transform(NameTree.neg).states);
  assert.deepEqual(unbound.last(), { tag: "ok", value: NameTree.neg });
  for (const each of seen) assert.equal(each.last().tag, "pending");
  place.set(State.ok(boundTo(Var.value(setOf("10.0.0.9")), "/#/n/x")));
  for (const each of seen) {
    const state = each.last();
    assert.ok(state.tag === "ok" && state.value.tag === "leaf");
    assert.equal(state.value.value.id.show(), "/%/t");
    assert.equal(shown(state.value.value.addr.sample()), "10.0.0.9:80");
  }
  place.set(State.ok(NameTree.neg));
  for (const each of seen) assert.deepEqual(each.last(), { tag: "ok", value: NameTree.neg });
});

test("localnode compares subnets with POD_IP, or with hostNetwork the names of the nodes", () => {
  const env = (name: string) => ({ POD_IP: "10.4.1.7", NODE_NAME: "n1" })[name];
  const pods = Var.value(
    Addr.bound([
      Address.of("10.4.1.9", 80, { nodeName: "n2" }),
      Address.of("10.4.2.9", 80, { nodeName: "n1" }),
    ]),
  );
  const subnet = transformed(localnode.create({ hostNetwork: false }, context({ env })), pods);
  assert.equal(subnet.id, "/%/t/10.4.1.7/#/n/a");
  assert.equal(shown(subnet.addr.last()), "10.4.1.9:80");
  const node = transformed(localnode.create({ hostNetwork: true }, context({ env })), pods);
  assert.equal(node.id, "/%/t/n1/#/n/a");
  assert.equal(shown(node.addr.last()), "10.4.2.9:80");
});

test("localnode does not start without its variable, and tells which", () => {
  const create = (hostNetwork: boolean, env: Record<string, string>) => () =>
    localnode.create({ hostNetwork }, context({ env: (name) => env[name] }));
  assert.throws(create(false, { NODE_NAME: "n1" }), /POD_IP must be set to the IP address of this pod/);
  assert.throws(create(true, { POD_IP: "10.4.1.7" }), /NODE_NAME must be set/);
  assert.throws(create(false, { POD_IP: "fd00::1" }), /no IPv4 address: fd00::1; use hostNetwork: true/);
});

test("gateways follow their own addresses; of alternatives the first that is not Neg counts", () => {
  const first = Var.mutable<Addr>(setOf("1.1.1.1"));
  const tree = Var.mutable<State<Tree>>(
    State.ok(NameTree.alt<Bound>(NameTree.neg, boundTo(first), boundTo(Var.value(setOf("1.1.1.3")), "/b"))),
  );
  const gateways = throughGateways(Path.read("/%/t"), Activity.of(tree), sameMeta("nodeName"));
  const { addr } = transformed(gateways, Var.value(setOf("10.0.0.1")));
  assert.equal(shown(addr.last()), "1.1.1.1:80");
  first.set(setOf("1.1.1.2", "1.1.1.4"));
  assert.equal(shown(addr.last()), "1.1.1.2:80 1.1.1.4:80");
  first.set(Addr.neg);
  assert.equal(shown(addr.last()), "neg");
});
