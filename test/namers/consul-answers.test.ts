/** Consul's answers as instances, beyond what the vectors hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ReadingRules, readService } from "../../namers/consul/answers.ts";

const rules: ReadingRules = {
  useHealthCheck: false,
  healthStatuses: ["passing"],
  preferServiceAddress: true,
  weights: [],
  transferMetadata: false,
};

const zones = (instance: Record<string, unknown>, how = rules): unknown[] => {
  const entry = how.useHealthCheck
    ? { Node: { Address: "10.0.0.1", Meta: instance["NodeMeta"] }, Service: { Port: 80, ...instance } }
    : { Address: "10.0.0.1", ServicePort: 80, ...instance };
  return readService(JSON.stringify([entry]), how)!.instances.map(({ meta }) => meta?.["zone"]);
};

test("the zone of an instance is in the metadata of its service, else of its node, else in a tag", () => {
  const [ServiceMeta, NodeMeta, ServiceTags] = [{ zone: "a" }, { zone: "b" }, ["x", "zone=c", "zone=d"]];
  assert.deepEqual(zones({ ServiceMeta, NodeMeta, ServiceTags }), ["a"]);
  assert.deepEqual(zones({ NodeMeta, ServiceTags }), ["b"]);
  assert.deepEqual(zones({ ServiceTags }), ["c"]);
  assert.deepEqual(zones({ ServiceTags: ["zones", 1], NodeMeta: { rack: "r" } }), [undefined]);
  const health = { ...rules, useHealthCheck: true };
  assert.deepEqual(zones({ Meta: { zone: "a" }, NodeMeta, Tags: ["zone=c"] }, health), ["a"]);
  assert.deepEqual(zones({ NodeMeta, Tags: ["zone=c"] }, health), ["b"]);
  assert.deepEqual(zones({ Tags: ["zone=c"] }, health), ["c"]);
});
