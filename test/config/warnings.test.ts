/** Keys that are taken and have no effect: a warning says so, and why. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { showWarning } from "../../config/errors.ts";
import { check } from "./kit.ts";

const warnings = async (text: string): Promise<string[]> => {
  const { config, warnings } = await check(text);
  assert.ok(config !== undefined);
  return warnings.map((warning) => showWarning("l5d.yaml", warning));
};

test("every key that has no effect is told with its place and the reason, in the order of the text", async () => {
  assert.deepEqual(
    await warnings(`usage: { enabled: true }
admin: { workerThreads: 4 }
routers:
- protocol: http
  servers:
  - port: 4140
    label: edge
    socketOptions: { backlog: 10, reusePort: true }
  httpAccessLogAppend: false
  client:
    kind: io.l5d.static
    configs:
    - prefix: /
      socketOptions: { backlog: 10, noDelay: false }
      failureAccrual: { kind: none, backoff: { kind: constant, ms: 5 } }
`),
    [
      "l5d.yaml:1:8: usage: warning: it has no effect: nothing is ever reported to anybody",
      "l5d.yaml:2:25: admin.workerThreads: warning: it has no effect: the admin server has a thread of its own anyway",
      "l5d.yaml:7:12: routers[0].servers[0].label: warning: it has no effect, as in Linkerd 1: metrics are named by ip and port",
      "l5d.yaml:9:24: routers[0].httpAccessLogAppend: warning: it has no effect without httpAccessLog",
      "l5d.yaml:14:33: routers[0].client.configs[0].socketOptions.backlog: warning: it has no effect: it is for listeners, and a client has none",
      "l5d.yaml:15:46: routers[0].client.configs[0].failureAccrual.backoff: warning: it has no effect: this kind never leaves an endpoint out",
    ],
  );
});

test("a file whose keys all work has no warnings, nor has one that is refused", async () => {
  assert.deepEqual(await warnings("routers: [{protocol: http, servers: [{port: 4140}]}]"), []);
  assert.deepEqual((await check("usage: {}\nrouters: []")).warnings, []);
});

test("what can never be built is refused with the reason", async () => {
  const { issues } = await check(`routers:
- protocol: http
  servers: [{port: 4140, socketOptions: {reuseAddr: false}}]
  client: {requestAuthorizers: [{kind: io.l5d.k8s.istio}]}
`);
  assert.deepEqual(
    issues.map(({ message }) => message.slice(0, 30)),
    ["every listener of Node.js has ", "the only kind asks Istio's Mix"],
  );
});

test("a name that no announcer of the router takes is told", async () => {
  const announced = (name: string): string => `routers:
- protocol: http
  announcers: [{kind: io.l5d.serversets, zkAddrs: [{host: zk}]}]
  servers: [{port: 4140, announce: [${name}]}]
`;
  assert.deepEqual(await warnings(announced("/#/io.l5d.serversets/web")), []);
  assert.deepEqual(await warnings(announced("/#/io.l5d.serverset/web")), [
    "l5d.yaml:4:37: routers[0].servers[0].announce[0]: warning: it has no effect: no announcer of this router takes it",
  ]);
});
