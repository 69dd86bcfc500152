/** SPIFFE ids in certificates: who is served, who is called, and what is told of both. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import path from "node:path";
import { after, before, test } from "node:test";
import { type Certificate, Certificates } from "../kit/certificates.ts";
import { eventually } from "../kit/eventually.ts";
import { askWithOpenssl, serveWithOpenssl } from "../kit/openssl.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { startEndpoint, startRouter, type TlsRig } from "./tls-rig.ts";

const folder = tempDir();
const made = new Certificates(folder.path);
const ended = new AbortController();
let authority: Certificate;
let proxy: Certificate;
let endpoint: Awaited<ReturnType<typeof startEndpoint>>;

before(async () => {
  authority = made.authority("authority");
  proxy = made.sign(authority, "proxy");
  endpoint = await startEndpoint();
});
after(() => {
  ended.abort();
  endpoint.close();
  folder[Symbol.dispose]();
});

test("only callers whose identity is allowed are served; the others get a 403 that says why", async () => {
  await using rig = await serving("[spiffe://td/ns/prod/*, spiffe://td/batch]");
  for (const id of ["spiffe://td/ns/prod/web", "spiffe://td/ns/prod/a/b", "spiffe://td/batch"]) {
    assert.match(await ask(rig, withUri(id)), /200 OK[\s\S]*hello/, id);
  }
  endpoint.requests.length = 0;
  for (const id of ["spiffe://td/ns/prod", "spiffe://td/ns/production", "spiffe://other/batch"]) {
    const said = await ask(rig, withUri(id));
    assert.match(said, /403 Forbidden/, id);
    assert.match(said, /l5d-err: /);
    assert.match(said, /E_FORBIDDEN/);
    assert.match(said, new RegExp(`${id} is not allowed on this server`));
    assert.match(said, /rule: routers\[0\]\.servers\[0\]\.tls\.allowedIdentities/);
  }
  assert.deepEqual(endpoint.requests, []);
  const metrics = await rig.metrics();
  assert.equal(metrics[`rt/http/server/127.0.0.1/${rig.port}/failures/E_FORBIDDEN`], 3);
  assert.equal(metrics[`rt/http/server/127.0.0.1/${rig.port}/status/403`], 3);
  const lines = rig.log.filter(({ message }) => message === "a caller is not among allowedIdentities");
  assert.deepEqual(
    lines.map(({ identity }) => identity),
    ["spiffe://td/ns/prod", "spiffe://td/ns/production", "spiffe://other/batch"],
  );
});

test("a certificate without a SPIFFE id, with several URIs, or of an authority names nobody", async () => {
  await using rig = await serving("[spiffe://td/*]");
  const strange = [
    made.sign(authority, "nameless"),
    made.sign(authority, "several", { names: "URI:spiffe://td/a,URI:spiffe://td/b" }),
    made.sign(authority, "other-uri", { names: "URI:https://td/a" }),
    made.sign(authority, "above", { names: "URI:spiffe://td/a", authority: true }),
    made.sign(authority, "dots", { names: "URI:spiffe://td/a/../b" }),
  ];
  for (const certificate of strange) {
    const said = await ask(rig, certificate);
    assert.match(said, /403 Forbidden/, certificate.cert);
    assert.match(said, /the caller's certificate has no SPIFFE id/);
  }
});

test("an empty list serves nobody", async () => {
  await using rig = await serving("[]");
  assert.match(await ask(rig, withUri("spiffe://td/web")), /403 Forbidden/);
});

test("a list that changes at a reload holds for connections that are open", async () => {
  await using rig = await serving("[spiffe://td/web]");
  const { cert, key } = withUri("spiffe://td/web");
  const tls = { ca: readFileSync(authority.cert), cert: readFileSync(cert), key: readFileSync(key) };
  const agent = new https.Agent({ ...tls, keepAlive: true, maxSockets: 1, servername: "proxy" });
  const sockets = new Set<Socket>();
  const status = async (): Promise<number | undefined> => {
    const request = https.get({ port: rig.port, agent, headers: { host: "web" } });
    request.on("socket", (socket) => sockets.add(socket));
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    await once(answer.resume(), "end");
    return answer.statusCode;
  };
  assert.equal(await status(), 200);
  await rig.reload(allowing("[spiffe://td/shop]"));
  assert.equal(await status(), 403);
  await rig.reload(allowing("[spiffe://td/*]"));
  assert.equal(await status(), 200);
  assert.equal(sockets.size, 1);
  agent.destroy();
});

test("a session that is taken up keeps its identity, and gains none", async () => {
  await using rig = await serving("[spiffe://td/web]");
  for (const version of ["-tls1_2", "-tls1_3"]) {
    for (const [id, answer] of [
      ["spiffe://td/web", /Reused[\s\S]*200 OK/],
      ["spiffe://td/shop", /Reused[\s\S]*403 Forbidden/],
    ] as const) {
      const session = path.join(folder.path, "session");
      const certificate = withUri(id);
      await ask(rig, certificate, version, "-sess_out", session);
      assert.match(await ask(rig, certificate, version, "-sess_in", session), answer);
    }
  }
});

test("the access log and x-forwarded-client-cert carry the identity", async () => {
  const file = path.join(folder.path, "access.log");
  await using rig = await serving("[spiffe://td/*]", {
    client: "forwardClientCert: true",
    router: `httpAccessLog: ${file}\n  httpAccessLogFormat: "{identity} {status}"`,
  });
  endpoint.requests.length = 0;
  await ask(rig, withUri("spiffe://td/web"));
  await ask(rig, withUri("spiffe://elsewhere/web"));
  assert.match(String(endpoint.requests[0]!.headers["x-forwarded-client-cert"]), /;SAN=spiffe:\/\/td\/web;/);
  await eventually(() =>
    assert.equal(readFileSync(file, "utf8"), "spiffe://td/web 200\nspiffe://elsewhere/web 403\n"),
  );
});

test("an endpoint must have the identity that is expected, whatever its name", async () => {
  const shop = made.sign(authority, "shop", { names: "DNS:shop,URI:spiffe://td/shop" });
  const port = await serve(shop);
  await using right = await calling(port, "expectedIdentity: spiffe://td/shop");
  assert.equal((await right.ask()).status, 200);
  await using both = await calling(port, "expectedIdentity: spiffe://td/shop, commonName: shop");
  assert.equal((await both.ask()).status, 200);
  await using wrong = await calling(port, "expectedIdentity: spiffe://td/web");
  const { status, body } = await wrong.ask();
  assert.equal(status, 502);
  assert.match(
    body,
    /^the endpoint's certificate is not for "spiffe:\/\/td\/web": it is for "spiffe:\/\/td\/shop"/,
  );
  assert.match(body, /error: E_TLS:/);
  await using name = await calling(port, "expectedIdentity: spiffe://td/shop, commonName: web");
  assert.match((await name.ask()).body, /^the endpoint's certificate is not for "web"/);
});

test("an endpoint without an identity, or of another authority, is not the one that is expected", async () => {
  await using nameless = await calling(await serve(proxy), "expectedIdentity: spiffe://td/proxy");
  assert.match((await nameless.ask()).body, /is not for "spiffe:\/\/td\/proxy": it has no SPIFFE id/);
  const forger = made.authority("forger");
  const forged = made.sign(forger, "forged", { names: "URI:spiffe://td/shop" });
  await using rig = await calling(await serve(forged), "expectedIdentity: spiffe://td/shop");
  assert.match(
    (await rig.ask()).body,
    /^the endpoint's certificate for "spiffe:\/\/td\/shop" is not trusted/,
  );
});

test("the expected identity may hold what the prefix captured", async () => {
  const port = await serve(made.sign(authority, "captured", { names: "URI:spiffe://td/127.1/captured" }));
  await using rig = await calling(port, `expectedIdentity: "spiffe://td/{host}/captured"`);
  assert.equal((await rig.ask()).status, 200);
});

const serving = (
  allowed: string,
  rest: { readonly client?: string; readonly router?: string } = {},
): Promise<TlsRig> =>
  startRouter({
    endpoint: endpoint.port,
    server: allowing(allowed),
    ...rest,
  });

const allowing = (allowed: string): string =>
  `tls: {certPath: ${proxy.cert}, keyPath: ${proxy.key}, requireClientAuth: true, caCertPath: ${authority.cert}, allowedIdentities: ${allowed}}`;

const calling = (port: number, tls: string): Promise<TlsRig> =>
  startRouter({ endpoint: port, client: `tls: {${tls}, trustCertsBundle: ${authority.cert}}` });

const signed = new Map<string, Certificate>();

function withUri(id: string): Certificate {
  const known = signed.get(id) ?? made.sign(authority, `uri-${signed.size}`, { names: `URI:${id}` });
  signed.set(id, known);
  return known;
}

const ask = (rig: TlsRig, { cert, key }: Certificate, ...options: readonly string[]): Promise<string> =>
  askWithOpenssl(rig.port, "web", "-CAfile", authority.cert, "-cert", cert, "-key", key, ...options);

const serve = ({ cert, key }: Certificate): Promise<number> =>
  serveWithOpenssl(ended.signal, "-cert", cert, "-key", key);
