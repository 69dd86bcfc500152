/** Golden errors: what is wrong, with line, column and hint, all at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints, withRouter } from "./kit.ts";

const golden = (title: string, text: string, expected: readonly string[]): void => {
  test(title, async () => {
    assert.deepEqual(await complaints(text, { files: [], directories: [] }), expected);
  });
};

golden("a wrong number is told with its range", withRouter("client:\n  requeueBudget: {ttlSecs: five}"), [
  'l5d.yaml:5:30: routers[0].client.requeueBudget.ttlSecs: expected integer from 1 to 60, got "five"',
]);

golden("a port is at most 65535", "routers:\n- protocol: http\n  servers:\n  - port: 70000\n", [
  "l5d.yaml:4:11: routers[0].servers[0].port: expected integer from 0 to 65535, got 70000",
]);

golden(
  "a required number that is missing is no 0",
  withRouter("client:\n  failureAccrual:\n    kind: io.l5d.consecutiveFailures"),
  ["l5d.yaml:6:7: routers[0].client.failureAccrual.failures: required: integer ≥ 1"],
);

golden("a misspelt key is told with the one that was meant", withRouter("lable: a"), [
  'l5d.yaml:4:3: routers[0].lable: unknown key; did you mean "label"?',
]);

golden("a key in the wrong place is told where it belongs", withRouter("requestAttemptTimeoutMs: 5"), [
  "l5d.yaml:4:3: routers[0].requestAttemptTimeoutMs: unknown key; there is one in client",
]);

golden("a key of old versions is told what it became", withRouter("baseDtab: /a => /b\ntimeoutMs: 5"), [
  "l5d.yaml:4:3: routers[0].baseDtab: unknown key: since Linkerd 0.9.0 it is dtab",
  "l5d.yaml:5:3: routers[0].timeoutMs: unknown key: since Linkerd 1.0.0 it is service.totalTimeoutMs for a request with its retries, client.requestAttemptTimeoutMs for one attempt",
]);

golden("a duplicate key is refused at its second place", withRouter("label: a\nlabel: b"), [
  "l5d.yaml:5:3: routers[0].label: duplicate key",
]);

golden("an unknown kind is told with the nearest", withRouter("identifier:\n  kind: io.l5d.pth"), [
  'l5d.yaml:5:11: routers[0].identifier.kind: unknown kind "io.l5d.pth" of identifier; known are io.l5d.header.token, io.l5d.header, io.l5d.methodAndHost, io.l5d.path, io.l5d.static, io.l5d.ingress; did you mean "io.l5d.path"?',
]);

golden(
  "a kind of old versions is told what it became",
  withRouter("identifier: {kind: io.l5d.headerToken}"),
  [
    'l5d.yaml:4:22: routers[0].identifier.kind: unknown kind "io.l5d.headerToken" of identifier: since Linkerd 1.0.0 it is io.l5d.header.token',
  ],
);

golden(
  "kind is required where a block is there",
  withRouter("interpreter: {}\nclient: {loadBalancer: {maxEffort: 5}}"),
  [
    "l5d.yaml:4:16: routers[0].interpreter.kind: required: one of default, io.l5d.fs, io.l5d.k8s.configMap",
    "l5d.yaml:5:26: routers[0].client.loadBalancer.kind: required: one of p2c, ewma, aperture, heap, roundRobin",
  ],
);

golden(
  "a kind that is known and not built says so",
  "telemetry:\n- kind: io.l5d.influxdb\n" + withRouter(""),
  ["l5d.yaml:2:9: telemetry[0].kind: io.l5d.influxdb is known to Linkerd 1 and not built yet"],
);

golden(
  "kinds that will not be built say why, and what to use",
  "namers: [{kind: io.l5d.k8s.istio}]\n" +
    withRouter("interpreter: {kind: k8s.istio}\nidentifier: {kind: io.l5d.k8s.istio-ingress}"),
  [
    "l5d.yaml:1:17: namers[0].kind: io.l5d.k8s.istio is not supported: it asks Istio's Pilot by an interface (v1) that Istio no longer has; use io.l5d.k8s, whose names are /<namespace>/<port>/<service> instead of /<cluster>/<labels>/<port>",
    "l5d.yaml:5:23: routers[0].interpreter.kind: io.l5d.k8s.istio is not supported: it asks Istio's Pilot by an interface (v1) that Istio no longer has; use the interpreter default with the namer io.l5d.k8s, and write the route rules as a dtab",
    "l5d.yaml:6:22: routers[0].identifier.kind: io.l5d.k8s.istio-ingress is not supported: it asks Istio's Pilot by an interface (v1) that Istio no longer has; use io.l5d.ingress, which reads Ingress resources",
  ],
);

golden(
  "an experimental kind must be wanted",
  "namers:\n- {kind: io.l5d.curator, zkAddrs: [{host: zk}]}\n" + withRouter(""),
  [
    "l5d.yaml:2:3: namers[0]: io.l5d.curator is experimental: say experimental: true beside its kind to use it",
  ],
);

golden(
  "a protocol that is not built says so, and nothing of its router",
  "routers:\n- protocol: h2\n  h2AccessLog: a\n",
  ["l5d.yaml:2:13: routers[0].protocol: h2 is known to Linkerd 1 and not built yet"],
);

golden("an experimental protocol must be wanted", "routers:\n- protocol: thriftmux\n", [
  "l5d.yaml:2:3: routers[0]: the protocol thriftmux is experimental: say experimental: true beside its kind to use it",
  "l5d.yaml:2:13: routers[0].protocol: thriftmux is known to Linkerd 1 and not built yet",
]);

golden(
  "a kind of another protocol is told",
  withRouter("service: {responseClassifier: {kind: io.l5d.h2.grpc.default}}"),
  [
    "l5d.yaml:4:40: routers[0].service.responseClassifier.kind: io.l5d.h2.grpc.default is for h2 routers, and this is one of http",
  ],
);

golden(
  "a syntax error of a dtab is told at its own line and column",
  withRouter("dtab: |\n  /svc => /a ;\n  /b   =< /c ;"),
  ["l5d.yaml:6:11: routers[0].dtab: not a dtab: '>' expected but '<' found"],
);

golden(
  "a dtab that ends too early is told at its end, comments apart",
  withRouter("dtab: /svc => /a | # more\nlabel: x"),
  ["l5d.yaml:4:21: routers[0].dtab: not a dtab: simple expected but end of input found"],
);

golden(
  "a directory that is not there is told by name",
  "namers:\n- kind: io.l5d.fs\n  rootDir: /x/absent\n" + withRouter(""),
  ["l5d.yaml:3:12: namers[0].rootDir: no such directory: /x/absent"],
);

golden(
  "a file that is not there is told by name",
  withRouter("interpreter: {kind: io.l5d.fs, dtabFile: ./absent}"),
  ["l5d.yaml:4:44: routers[0].interpreter.dtabFile: no such file: ./absent"],
);

golden("YAML that is none is told where it breaks", "routers: [unclosed\n# x", [
  "l5d.yaml:2:4: flow sequence in block collection must be sufficiently indented and end with a ]",
]);

golden("an empty file is told what it needs", "# nothing\n", [
  "l5d.yaml:1:1: the configuration is empty: it needs at least routers",
]);

golden("a list is no object", "routers:\n  protocol: http\n", [
  "l5d.yaml:2:3: routers: expected a list, got an object",
]);

golden("a file without routers is refused", "admin: {port: 9990}\n", [
  "l5d.yaml:1:1: routers: required: a list",
]);

golden("an empty list of routers is refused", "routers: []\n", ["l5d.yaml:1:10: routers: must not be empty"]);

golden("a router without servers is refused", "routers:\n- protocol: http\n", [
  "l5d.yaml:2:3: routers[0].servers: required: a list",
]);

golden(
  "a configuration of namerd is told for what it is",
  "storage:\n  kind: io.l5d.inMemory\ninterfaces: []\n",
  [
    "l5d.yaml:1:1: this is a configuration of namerd (storage, interfaces), which is not built yet; a proxy's has routers",
  ],
);

test("everything that is wrong is told at once, in the order of the text", async () => {
  const text = `admin:
  port: 9990
fancyRouter: true
routers:
- protocol: http
  client:
    hostConnectionPool: {minSize: 5, maxSize: 1}
  servers:
  - port: 9990
- protocol: http
  servers: []
`;
  assert.deepEqual(await complaints(text), [
    "l5d.yaml:3:1: fancyRouter: unknown key",
    "l5d.yaml:7:35: routers[0].client.hostConnectionPool.minSize: minSize is above maxSize, which is 1",
    "l5d.yaml:9:11: routers[0].servers[0].port: port conflict: admin listens on 127.0.0.1:9990 already",
    'l5d.yaml:10:3: routers[1]: label conflict: routers[0] is also called "http" (the protocol, for it has none of its own)',
    "l5d.yaml:11:12: routers[1].servers: must not be empty",
  ]);
});
