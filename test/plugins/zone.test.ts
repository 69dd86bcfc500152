/** `io.l5d.zone`: which zone this host is in, and what balancers are told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Addr, Address, NameTree, Path, Var } from "../../dtab/index.ts";
import { zonePreferenceOf } from "../../plugins/lib/zone-preference.ts";
import { createZone, type ZoneOptions } from "../../plugins/transformers/zone.ts";
import { observe } from "../kit/namer.ts";

const options: ZoneOptions = { metadataKey: "zone", spillBelowPercent: 70, returnAtPercent: 90 };

const at = (last: number, zone: string, nodeName: string) =>
  Address.of(`10.0.0.${last}`, 80, { zone, nodeName });

/** The set of a transformed leaf over time. */
function transformed(more: Partial<ZoneOptions>, env: Record<string, string>) {
  const addr = Var.mutable<Addr>(Addr.pending);
  const prefix = Path.read("/%/io.l5d.zone");
  const transformer = createZone({ ...options, ...more }, { prefix, env: (name) => env[name] });
  const leaf = { id: Path.read("/#/web"), addr, residual: Path.empty };
  const state = transformer.transform(NameTree.leaf(leaf)).sample();
  assert.ok(state.tag === "ok" && state.value.tag === "leaf");
  assert.equal(state.value.value.id.show(), "/%/io.l5d.zone/#/web");
  const seen = observe(state.value.value.addr);
  const preference = () => {
    const now = seen.last();
    return now.tag === "bound" ? zonePreferenceOf(now.meta) : now.tag;
  };
  return { addr, seen, preference };
}

const preferred = { zone: "a", key: "zone", spillBelow: 70, returnAt: 90 };

test("the zone is that of the block, else that of the environment", () => {
  const { addr, preference } = transformed({ zone: "a" }, { ZONE: "b" });
  assert.equal(preference(), "pending");
  addr.set(Addr.bound([at(1, "a", "n1")]));
  assert.deepEqual(preference(), preferred);
  const other = transformed({ metadataKey: "rack", spillBelowPercent: 10 }, { ZONE: "b" });
  other.addr.set(Addr.bound([at(1, "a", "n1")], { authority: "web" }));
  assert.deepEqual(other.preference(), { ...preferred, zone: "b", key: "rack", spillBelow: 10 });
  const { meta } = other.seen.last() as Extract<Addr, { tag: "bound" }>;
  assert.equal(meta["authority"], "web");
});

test("the addresses stay as they are, and a set that is none stays none", () => {
  const { addr, seen } = transformed({ zone: "a" }, {});
  const addresses = [at(1, "a", "n1"), at(2, "b", "n2"), Address.of("10.0.0.3", 80)];
  addr.set(Addr.bound(addresses));
  const now = seen.last();
  assert.deepEqual(now.tag === "bound" && now.addresses, addresses);
  addr.set(Addr.neg);
  assert.deepEqual(seen.last(), Addr.neg);
});

test("with the name of the node, the zone is learned from an endpoint on it, for all sets", () => {
  const { addr, preference } = transformed({}, { NODE_NAME: "n2" });
  addr.set(Addr.bound([at(1, "a", "n1")]));
  assert.equal(preference(), undefined);
  addr.set(Addr.bound([at(1, "a", "n1"), at(2, "b", "n2")]));
  assert.deepEqual(preference(), { ...preferred, zone: "b" });
  addr.set(Addr.bound([at(1, "a", "n1")]));
  assert.deepEqual(preference(), { ...preferred, zone: "b" });
});

test("a host of no known zone, and thresholds that contradict each other, are refused", () => {
  assert.throws(() => transformed({}, {}), /give zone, or the environment variable ZONE or NODE_NAME/);
  assert.throws(
    () => transformed({ zone: "a", returnAtPercent: 60 }, {}),
    /60 is below spillBelowPercent 70/,
  );
});
