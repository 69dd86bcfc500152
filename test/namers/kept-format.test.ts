/**
 * What namers keep is read again by later versions: when a shape below changes, `snapshotFormat` must change, too, so that
 * no version guesses at what another one meant.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { showPlainData } from "../../daemon/control/snapshot/plain-data.ts";
import { snapshotFormat } from "../../daemon/control/snapshot/snapshot-file.ts";
import { readService as readConsul } from "../../namers/consul/answers.ts";
import { readEndpoints, readService, readSlice } from "../../namers/k8s/objects.ts";
import { inOrder } from "../../namers/lib/dns-discovery.ts";

const metadata = { name: "web", namespace: "prod", resourceVersion: "1" };

/** A value of each source, as it is written. */
const kept = {
  consul: readConsul(
    JSON.stringify([
      {
        Address: "10.0.0.1",
        ServicePort: 80,
        ServiceTags: ["zone=a"],
        ServiceMeta: { v: "1" },
        NodeMeta: { rack: "r" },
      },
    ]),
    {
      useHealthCheck: false,
      healthStatuses: ["passing"],
      preferServiceAddress: true,
      weights: [],
      transferMetadata: true,
    },
  ),
  dns: inOrder([{ host: "10.0.0.1", port: 80 }]),
  endpoints: readEndpoints({
    metadata,
    subsets: [
      {
        addresses: [{ ip: "10.0.0.1", nodeName: "n1" }],
        ports: [{ name: "http", port: 80, protocol: "TCP" }],
      },
    ],
  }),
  slices: readSlice({
    metadata,
    endpoints: [{ addresses: ["10.0.0.1"], zone: "a", nodeName: "n1" }],
    ports: [{ name: "http", port: 80, protocol: "TCP" }],
  }),
  service: readService({
    metadata,
    spec: { ports: [{ name: "http", port: 80, targetPort: 8080 }] },
    status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
  }),
};

test("the shapes of what namers keep are those of the snapshot's format", () => {
  const shapes = Object.fromEntries(
    Object.entries(kept).map(([source, value]) => [source, showPlainData(value)]),
  );
  assert.deepEqual(
    { format: snapshotFormat, ...shapes },
    {
      format: 1,
      consul:
        '{"instances":[{"host":"10.0.0.1","port":80,"meta":{"zone":"a","rack":"r","endpoint_addr_weight":1}}],"meta":{"v":"1"}}',
      dns: '[{"host":"10.0.0.1","port":80}]',
      endpoints:
        '[{"addresses":[{"ip":"10.0.0.1","meta":{"nodeName":"n1"}}],"ports":{"#map":[["http",80]]}}]',
      slices:
        '[{"addresses":[{"ip":"10.0.0.1","meta":{"nodeName":"n1","zone":"a"}}],"ports":{"#map":[["http",80]]}}]',
      service: '{"targets":{"#map":[[80,"8080"]]},"ports":{"#map":[["http",80]]},"ingress":"192.0.2.1"}',
    },
  );
});
