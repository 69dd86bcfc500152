/** TLS with nginx as the endpoint and as the caller: what it refuses, what is refused of it, sessions that are taken up. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { type Certificate, Certificates } from "../kit/certificates.ts";
import { eventually } from "../kit/eventually.ts";
import { serveWithNginx, withoutNginx } from "../kit/nginx.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { startEndpoint, startRouter, type TlsRig } from "./tls-rig.ts";

const skip = withoutNginx;
const folder = tempDir();
const made = new Certificates(folder.path);
const ended = new AbortController();
let authority: Certificate;
let other: Certificate;
let web: Certificate;
let us: Certificate;
let endpoint: Awaited<ReturnType<typeof startEndpoint>>;

before(async () => {
  authority = made.authority("authority");
  other = made.authority("other");
  web = made.sign(authority, "web");
  us = made.sign(authority, "us", { names: "DNS:us,URI:spiffe://td/us" });
  endpoint = await startEndpoint();
});
after(() => {
  ended.abort();
  endpoint.close();
  folder[Symbol.dispose]();
});

/** An endpoint says what it knows of the connection. */
const telling =
  'location / { return 200 "reused=$ssl_session_reused protocol=$ssl_protocol name=$ssl_server_name verify=$ssl_client_verify by=$ssl_client_s_dn\\n"; }';

let serving = 0;
const nginx = (...servers: readonly string[]): Promise<readonly number[]> =>
  serveWithNginx(path.join(folder.path, `nginx-${serving++}`), ended.signal, ...servers);

const shown = ({ cert, key }: Certificate, more = ""): string =>
  `ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; ${more} ${telling}`;

const identity = ({ cert, key }: Certificate): string => `certPath: ${cert}, keyPath: ${key}`;

const calling = (port: number, tls: string, trust = authority.cert): Promise<TlsRig> =>
  startRouter({ endpoint: port, client: `tls: {${tls}, trustCertsBundle: ${trust}}` });

test("nginx is called by name, with our certificate, by the versions that both know", { skip }, async () => {
  const demanding = `ssl_client_certificate ${authority.cert}; ssl_verify_client on;`;
  const [older, newer] = await nginx(
    shown(web, `ssl_protocols TLSv1.2; ${demanding}`),
    shown(web, `ssl_protocols TLSv1.3; ${demanding}`),
  );
  for (const [port, version] of [
    [older!, "TLSv1.2"],
    [newer!, "TLSv1.3"],
  ] as const) {
    await using rig = await calling(port, `commonName: web, clientAuth: {${identity(us)}}`);
    const { status, body } = await rig.ask();
    assert.equal(status, 200);
    assert.match(body, new RegExp(`protocol=${version} name=web verify=SUCCESS by=CN=us`));
  }
});

test("without a certificate, or with one of another authority, nginx refuses us", { skip }, async () => {
  const [port] = await nginx(
    shown(
      web,
      `ssl_client_certificate ${authority.cert}; ssl_verify_client on; ssl_trusted_certificate ${authority.cert};`,
    ),
  );
  await using without = await calling(port!, "commonName: web");
  const nobody = await without.ask();
  assert.equal(nobody.status, 400);
  assert.match(nobody.body, /No required SSL certificate was sent/);
  const foreign = made.sign(other, "foreign");
  await using strange = await calling(port!, `commonName: web, clientAuth: {${identity(foreign)}}`);
  const stranger = await strange.ask();
  assert.equal(stranger.status, 400);
  assert.match(stranger.body, /The SSL certificate error/);
});

test("of nginx another authority, another name, an end in the past and a revocation are refused", {
  skip,
}, async () => {
  const old = made.sign(authority, "old", { names: "DNS:web", expired: true });
  const [good, foreign, expired] = await nginx(
    shown(web),
    shown(made.sign(other, "web2", { names: "DNS:web" })),
    shown(old),
  );
  const refused = async (port: number, tls: string, why: RegExp): Promise<void> => {
    await using rig = await calling(port, tls);
    const { status, body } = await rig.ask();
    assert.equal(status, 502);
    assert.match(body, why);
    assert.match(body, /error: E_TLS:/);
    const failures = (await rig.metrics())[`rt/http/client/$/inet/127.1/${port}/tls/handshake_failures`];
    assert.ok(failures! > 0, String(failures));
  };
  await refused(foreign!, "commonName: web", /^the endpoint's certificate for "web" is not trusted/);
  await refused(good!, "commonName: shop", /^the endpoint's certificate is not for "shop"/);
  await refused(good!, "expectedIdentity: spiffe://td/web", /it has no SPIFFE id/);
  await refused(expired!, "commonName: web", /is out of date: .*CERT_HAS_EXPIRED/);
  const crl = made.revocations(authority, "web-revoked", [web]);
  await refused(good!, `commonName: web, crlPath: ${crl}`, /CERT_REVOKED/);
});

test("an nginx that speaks TLS 1.1 only is refused, unless the file asks for it", { skip }, async () => {
  const [port] = await nginx(shown(web, "ssl_protocols TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0;"));
  await using rig = await calling(port!, "commonName: web");
  const { status, body } = await rig.ask();
  assert.equal(status, 502);
  assert.match(body, /^the TLS handshake for "web" failed: /);
  await using old = await calling(port!, "commonName: web, protocols: [TLSv1.1]");
  assert.match((await old.ask()).body, /protocol=TLSv1\.1 /);
});

test("the second connection to nginx takes the session up, by ticket and by id", { skip }, async () => {
  const cache = "ssl_session_cache shared:test:1m;";
  const ports = await nginx(
    shown(web, "ssl_protocols TLSv1.2; ssl_session_tickets on;"),
    shown(web, `ssl_protocols TLSv1.2; ssl_session_tickets off; ${cache}`),
    shown(web, "ssl_protocols TLSv1.3; ssl_session_tickets on;"),
  );
  for (const port of ports) {
    await using rig = await calling(port, "commonName: web");
    assert.match((await rig.ask()).body, /^reused=\. /);
    await eventually(async () => assert.match((await rig.ask()).body, /^reused=r /));
  }
});

test("an authority that is taken out live is trusted no more, and its sessions are worth nothing", {
  skip,
}, async () => {
  const [port] = await nginx(shown(web));
  const trust = path.join(folder.path, "trust-of-client.pem");
  copyFileSync(authority.cert, trust);
  await using rig = await calling(port!, "commonName: web", trust);
  assert.equal((await rig.ask()).status, 200);
  await eventually(async () => assert.match((await rig.ask()).body, /^reused=r /));
  copyFileSync(other.cert, trust);
  await eventually(async () => assert.match((await rig.ask()).body, /is not trusted/));
  copyFileSync(authority.cert, trust);
  await eventually(async () => assert.equal((await rig.ask()).status, 200));
});

/** nginx calls us, in the name of whoever asks it; it would take up the session of another name of its own. */
const through = (to: number, more: string): string =>
  `; location / { proxy_pass https://127.0.0.1:${to}; proxy_ssl_name us; proxy_ssl_server_name on; proxy_ssl_session_reuse off;
    proxy_ssl_verify on; proxy_ssl_trusted_certificate ${authority.cert}; ${more} }`;

const shownBy = ({ cert, key }: Certificate): string =>
  `proxy_ssl_certificate ${cert}; proxy_ssl_certificate_key ${key};`;

const asked = async (port: number): Promise<string> => {
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  return `${answer.status} ${await answer.text()}`;
};

test("nginx as a caller is served with a certificate of ours, and with no other", { skip }, async () => {
  const file = path.join(folder.path, "authorities.pem");
  copyFileSync(authority.cert, file);
  await using rig = await startRouter({
    endpoint: endpoint.port,
    server: `tls: {${identity(us)}, requireClientAuth: true, caCertPath: ${file}, allowedIdentities: ["spiffe://td/*"]}`,
    client: "forwardClientCert: true",
  });
  const { port } = rig;
  const named = made.sign(authority, "caller", { names: "URI:spiffe://td/caller" });
  const [good, nobody, foreign, expired, nameless, old] = await nginx(
    through(port, shownBy(named)),
    through(port, ""),
    through(port, shownBy(made.sign(other, "their", { names: "URI:spiffe://td/caller" }))),
    through(port, shownBy(made.sign(authority, "late", { names: "URI:spiffe://td/a", expired: true }))),
    through(port, shownBy(web)),
    through(port, `${shownBy(named)} proxy_ssl_protocols TLSv1.1; proxy_ssl_ciphers DEFAULT@SECLEVEL=0;`),
  );
  assert.equal(await asked(good!), "200 hello\n");
  const { headers } = endpoint.requests.at(-1)!;
  assert.match(String(headers["x-forwarded-client-cert"]), /SAN=spiffe:\/\/td\/caller/);
  endpoint.requests.length = 0;
  for (const refused of [nobody!, foreign!, expired!, old!]) assert.match(await asked(refused), /^502 /);
  assert.match(await asked(nameless!), /^403 the caller's certificate has no SPIFFE id/);
  assert.deepEqual(endpoint.requests, []);
  copyFileSync(other.cert, file);
  await eventually(async () => assert.match(await asked(good!), /^502 /));
});
