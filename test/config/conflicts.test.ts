/** What must hold between values: labels, ports, streaming, budgets, TLS; and the table of what is not built. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { check, complaints, withRouter } from "./kit.ts";

const good = async (text: string): Promise<void> => assert.deepEqual(await complaints(text), []);
const refused = async (text: string, ...expected: readonly RegExp[]): Promise<void> => {
  const found = await complaints(text);
  assert.equal(found.length, expected.length, found.join("\n"));
  for (const [index, pattern] of expected.entries()) assert.match(found[index]!, pattern);
};

const twoServers = (first: string, second: string): string =>
  `routers:\n- protocol: http\n  servers:\n  - {port: 4140, ${first}}\n  - {port: 4140, ${second}}\n`;

test("one port on two addresses is fine, and so is port 0 twice", async () => {
  await good(twoServers("ip: 127.0.0.1", "ip: 127.0.0.2"));
  await good("routers: [{protocol: http, servers: [{port: 0}, {port: 0}]}]");
});

test("one port of one address conflicts, however it is spelt", async () => {
  await refused(
    twoServers("ip: localhost", "ip: 127.0.0.1"),
    /5:12: .*servers\[1\]\.port: port conflict: routers\[0\]\.servers\[0\] listens on 127\.0\.0\.1:4140 already/,
  );
});

test("an address that takes all conflicts with each of them", async () => {
  await refused(twoServers("ip: 0.0.0.0", "ip: 127.0.0.1"), /port conflict/);
  await refused(twoServers("ip: 127.0.0.1", "ip: '::'"), /port conflict/);
});

test("the admin port conflicts with servers", async () => {
  await refused(
    "routers: [{protocol: http, servers: [{port: 9990}]}]",
    /servers\[0\]\.port: port conflict: admin listens on 127\.0\.0\.1:9990/,
  );
});

test("labels are unique, and two routers of one protocol need one", async () => {
  await good("routers: [{protocol: http, servers: [{}]}, {protocol: http, label: b, servers: [{port: 1}]}]");
  await refused(
    "routers: [{protocol: http, label: a, servers: [{}]}, {protocol: http, label: a, servers: [{port: 1}]}]",
    /routers\[1\]\.label: label conflict: routers\[0\] is also called "a"$/,
  );
});

test("streamingEnabled: false excludes streamAfterContentLengthKB", async () => {
  await refused(
    withRouter("streamingEnabled: false\nstreamAfterContentLengthKB: 5"),
    /:5:31: .*streamAfterContentLengthKB has no meaning/,
  );
  await good(withRouter("streamingEnabled: true\nstreamAfterContentLengthKB: 5"));
});

test("a jittered back-off begins below its end, in retries and in accruals", async () => {
  const backoff = "{kind: jittered, minMs: 5, maxMs: 4}";
  await refused(
    withRouter(`service: {retries: {backoff: ${backoff}}}`),
    /service\.retries\.backoff\.minMs: minMs is above maxMs, which is 4/,
  );
  await refused(
    withRouter(`client: {failureAccrual: {kind: none, backoff: ${backoff}}}`),
    /client\.failureAccrual\.backoff\.minMs: minMs is above/,
  );
  await refused(
    withRouter(
      `client: {kind: static, configs: [{prefix: /, hostConnectionPool: {minSize: 3, maxSize: 2}}]}`,
    ),
    /client\.configs\[0\]\.hostConnectionPool\.minSize/,
  );
});

test("a back-off has a kind, and only its own keys", async () => {
  await refused(
    withRouter("service: {retries: {backoff: {ms: 5}}}"),
    /backoff\.kind: required: one of constant, jittered/,
  );
  await refused(
    withRouter("service: {retries: {backoff: {kind: constant, minMs: 5}}}"),
    /backoff\.minMs: unknown key/,
  );
});

test("budgets keep to their ranges", async () => {
  await refused(
    withRouter("service: {retries: {budget: {minRetriesPerSec: -1, percentCanRetry: 1001, ttlSecs: 61}}}"),
    /minRetriesPerSec: expected integer ≥ 0, got -1/,
    /percentCanRetry: expected number from 0 to 1000, got 1001/,
    /ttlSecs: expected integer from 1 to 60, got 61/,
  );
});

test("entries by pattern need a prefix, and stand under kind io.l5d.static only", async () => {
  await refused(
    withRouter("client: {kind: io.l5d.static, configs: [{failFast: false}]}"),
    /configs\[0\]\.prefix: required: text/,
  );
  await refused(
    withRouter("client: {configs: []}"),
    /client\.configs: unknown key: it goes with kind: io\.l5d\.static/,
  );
  await refused(withRouter("client: {kind: io.l5d.static}"), /client\.configs: required: a list/);
});

const tls = (keys: string): string => withRouter(`client: {tls: {${keys}}}`);

test("TLS towards endpoints keeps to its rules", async () => {
  await good(tls("commonName: a, trustCertsBundle: b"));
  await good(tls("enabled: false"));
  await refused(tls("trustCertsBundle: b"), /client\.tls: commonName is required/);
  await refused(
    tls("commonName: a, trustCertsBundle: b, trustCerts: [c]"),
    /trustCerts: trustCerts and trustCertsBundle exclude each other/,
  );
  await refused(
    tls("disableValidation: true, clientAuth: {certPath: a, keyPath: b}"),
    /clientAuth: clientAuth and disableValidation/,
  );
  await refused(
    tls("kind: io.l5d.noValidation"),
    /commonName is required/,
    /tls\.kind: unknown key: since Linkerd 1\.0\.0/,
  );
});

test("an expected identity stands in for a name, and what judges certificates needs them", async () => {
  await good(tls("expectedIdentity: spiffe://td/web"));
  await good(tls('commonName: a, expectedIdentity: "spiffe://td/{svc}", crlPath: c'));
  await refused(
    tls("disableValidation: true, expectedIdentity: spiffe://td/web, crlPath: c"),
    /expectedIdentity: expectedIdentity and disableValidation/,
    /crlPath: crlPath and disableValidation/,
  );
  await refused(
    tls("commonName: a, expectedIdentity: spiffe://td/*"),
    /expectedIdentity: not a SPIFFE id: a segment holds letters.*"\*"/,
  );
  await refused(tls("commonName: a, expectedIdentity: td/web"), /it does not begin with spiffe:\/\//);
});

const serverTls = (keys: string): string =>
  `routers:\n- protocol: http\n  servers: [{port: 0, tls: {certPath: a, keyPath: b, ${keys}}}]\n`;

test("what judges callers' certificates needs a server that asks for them", async () => {
  await good(
    serverTls("requireClientAuth: true, crlPath: c, allowedIdentities: [spiffe://td/a/*, spiffe://td]"),
  );
  await refused(
    serverTls("crlPath: c, allowedIdentities: [spiffe://td/a]"),
    /servers\[0\]\.tls\.crlPath: crlPath needs requireClientAuth: true/,
    /servers\[0\]\.tls\.allowedIdentities: allowedIdentities needs requireClientAuth: true/,
  );
  await refused(
    serverTls('requireClientAuth: true, allowedIdentities: ["spiffe://td/*/a", "spiffe://TD/a", "*"]'),
    /allowedIdentities\[0\]: .*`\*` may only be the last segment/,
    /allowedIdentities\[1\]: .*trust domain in lower case/,
    /allowedIdentities\[2\]: .*`\*` may only be the last segment/,
  );
});

test("TLS towards a namer's backend keeps to what Linkerd 1 checks of it", async () => {
  const namer = (keys: string): string =>
    `namers: [{kind: io.l5d.consul, tls: {${keys}}}]\n${withRouter("")}`;
  await good(namer("commonName: a, trustCertsBundle: b"));
  await good(namer("enabled: false"));
  await good(namer("disableValidation: true, clientAuth: {certPath: a, keyPath: b}"));
  await refused(namer("trustCertsBundle: b"), /namers\[0\]\.tls: commonName is required/);
  await refused(
    namer("commonName: a, trustCertsBundle: b, trustCerts: [c]"),
    /namers\[0\]\.tls\.trustCerts: trustCerts and trustCertsBundle exclude each other/,
  );
  await refused(
    namer("commonName: a, expectedIdentity: spiffe://td/web"),
    /expectedIdentity is for endpoints/,
  );
  await refused(namer("commonNmae: a"), /commonName is required/, /tls\.commonNmae: unknown key/);
});

test("signed overrides are for servers whose callers are strangers", async () => {
  const signed = "signedOverrides: {keysPath: k, audience: edge}";
  await good(twoServers(`ip: 127.0.0.1, untrusted: true, ${signed}`, "ip: 127.0.0.2"));
  await refused(
    twoServers(`ip: 127.0.0.1, clearContext: true, ${signed}`, "ip: 127.0.0.2"),
    /l5d\.yaml:\d+:\d+: routers\[0\]\.servers\[0\]\.signedOverrides: signedOverrides needs untrusted: true/,
  );
  await refused(
    twoServers(
      'ip: 127.0.0.1, untrusted: true, signedOverrides: {audience: "", maxLifetimeSecs: 0}',
      "ip: 127.0.0.2",
    ),
    /signedOverrides\.keysPath: required: text/,
    /audience: expected text that is not empty/,
    /maxLifetimeSecs: expected integer from 1 to 86400/,
  );
});

test("Marathon is at a host and port, and under no other name", async () => {
  const namer = (dst: string): string => `namers: [{kind: io.l5d.marathon, dst: ${dst}}]\n${withRouter("")}`;
  await good(namer("/$/inet/10.0.0.1/8080"));
  await refused(
    namer("/$/io.buoyant.namer.zk.leader/zk:2181/marathon"),
    /namers\[0\]\.dst: only \/\$\/inet\/<host>\/<port> is built/,
  );
});

test("TLS of an announcer is held to what TLS of a namer is", async () => {
  const announcing = (tls: string): string =>
    withRouter(`announcers: [{kind: io.l5d.serversets, zkAddrs: [{host: zk}], tls: {${tls}}}]`);
  await good(announcing("commonName: zk.example"));
  await refused(announcing(""), /announcers\[0\]\.tls: commonName is required/);
});

test("a key that is not built is refused as such, unless its value changes nothing", async () => {
  await good(
    withRouter(
      "client: {failFast: yes, forwardClientCert: false, loadBalancer: {kind: p2c, enableProbation: true}}",
    ),
  );
  const { issues } = await check(withRouter("client: {requestAuthorizers: [{kind: io.l5d.k8s.istio}]}"));
  assert.deepEqual(
    issues.map(({ path, code }) => [path, code]),
    [["routers[0].client.requestAuthorizers", "not-built"]],
  );
});

test("usage is accepted", async () => {
  await good(`usage: {enabled: true, orgId: us}\n${withRouter("")}`);
});

test("what the text holds has a place, what it is silent about has the place above", async () => {
  const { config, paths, placeOf } = await check(withRouter("bindingTimeoutMs: 5"));
  assert.ok(config !== undefined);
  assert.deepEqual(placeOf("routers[0].bindingTimeoutMs"), { line: 4, col: 21 });
  assert.deepEqual(placeOf("routers[0].bindingCache.paths"), { line: 2, col: 3 });
  assert.ok(paths.includes("routers[0].servers[0].port"));
  assert.ok(!paths.includes("routers[0].bindingCache"));
});
