/** Labels of Forwarded that the vectors cannot fix: random ones and odd addresses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelerContext } from "../../plugins/contract.ts";
import connectionRandom from "../../plugins/labelers/connection-random.ts";
import ip from "../../plugins/labelers/ip.ts";
import ipPort from "../../plugins/labelers/ip-port.ts";
import requestRandom from "../../plugins/labelers/request-random.ts";
import router from "../../plugins/labelers/router.ts";
import { pluginContext } from "../kit/plugin-context.ts";

const context: LabelerContext = { ...pluginContext(), routerLabel: "edge" };
const address = { ip: "127.0.0.1", port: 80 };

test("random labels are an underscore and six letters or digits", () => {
  const labeler = requestRandom.create({}, context);
  const labels = new Set(Array.from({ length: 100 }, () => labeler.label(address)));
  assert.ok(labels.size > 95);
  for (const label of labels) assert.match(label, /^_[A-Za-z0-9]{6}$/);
});

test("only requestRandom wants to be asked for every request", () => {
  assert.equal(requestRandom.create({}, context).perConnection, false);
  for (const plugin of [connectionRandom, ip, ipPort, router])
    assert.equal(plugin.create({}, context).perConnection, true);
});

test("an address that is not known or a wildcard is `unknown`", () => {
  for (const odd of [undefined, "0.0.0.0", "::", "somewhere"]) {
    for (const plugin of [ip, ipPort, connectionRandom, requestRandom]) {
      assert.equal(
        plugin.create({}, context).label({ ip: odd, port: 80 }),
        "unknown",
        `${plugin.kind} ${odd}`,
      );
    }
  }
});

test("an IPv4 address that came in as IPv6 is shown as IPv4", () => {
  assert.equal(ip.create({}, context).label({ ip: "::ffff:192.0.2.7", port: 80 }), "192.0.2.7");
  assert.equal(ipPort.create({}, context).label({ ip: "::1", port: 80 }), '"[0:0:0:0:0:0:0:1]:80"');
});

test("the router's label is obfuscated by an underscore", () => {
  assert.equal(router.create({}, context).label(address), "_edge");
});
