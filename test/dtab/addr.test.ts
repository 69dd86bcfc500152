/** Addresses and sets of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Addr, Address } from "../../dtab/index.ts";

const a = Address.of("10.0.0.1", 80);
const b = Address.of("10.0.0.2", 80, { endpoint_addr_weight: 2 });

test("sets have no order and hold nothing twice", () => {
  assert.ok(Addr.equals(Addr.bound([a, b]), Addr.bound([b, a, { ...a }])));
  assert.deepEqual(Addr.bound([a, { ...a }]), Addr.bound([a]));
});

test("facts tell sets and addresses apart", () => {
  assert.ok(!Addr.equals(Addr.bound([b]), Addr.bound([Address.of("10.0.0.2", 80)])));
  assert.ok(!Addr.equals(Addr.bound([a]), Addr.bound([a], { x: 1 })));
  assert.ok(
    !Addr.equals(Addr.bound([Address.of("h", 1, { x: "1" })]), Addr.bound([Address.of("h", 1, { x: 1 })])),
  );
});

test("states differ by their tag, failures by their message", () => {
  assert.ok(Addr.equals(Addr.failed("x"), Addr.failed(new Error("x"))));
  assert.ok(!Addr.equals(Addr.failed("x"), Addr.failed("y")));
  assert.ok(!Addr.equals(Addr.neg, Addr.bound([])));
});

test("an Addr survives the way to another thread", () => {
  const addr = Addr.bound([a, b, Address.status(404)], { authority: "web" });
  assert.deepEqual(structuredClone(addr), addr);
});

test("IPv6 hosts are shown in brackets", () => {
  assert.equal(Address.show(Address.of("::1", 80)), "[::1]:80");
  assert.equal(Address.show(Address.status(503)), "status 503");
});
