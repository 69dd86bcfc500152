/** TLS towards endpoints, with the openssl command as the endpoint: what is checked, what is told, what changes live. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { type Rig, start } from "../daemon/rig.ts";
import { type Certificate, Certificates } from "../kit/certificates.ts";
import { eventually } from "../kit/eventually.ts";
import { serveWithOpenssl } from "../kit/openssl.ts";
import { tempDir } from "../kit/temp-dir.ts";

const folder = tempDir();
const made = new Certificates(folder.path);
const ended = new AbortController();
let authority: Certificate;
let web: Certificate;

before(() => {
  authority = made.authority("authority");
  web = made.sign(authority, "web", { names: "DNS:web,DNS:*.web,IP:127.0.0.9" });
});
after(() => {
  ended.abort();
  folder[Symbol.dispose]();
});

test("an endpoint with the expected name and a trusted authority is called, by name", async () => {
  const port = await serve(web, "-servername", "web", "-servername_fatal", ...twice(web));
  await using rig = await startWith(port, "commonName: web");
  const { status, body } = await rig.ask();
  assert.equal(status, 200);
  assert.match(body, /s_server/);
  const metrics = (await (await rig.get("/admin/metrics.json")).json()) as Record<string, number>;
  assert.equal(metrics[`rt/http/client/$/inet/127.1/${port}/tls/handshake_failures`], 0);
});

test("another name is refused, and told", async () => {
  await using rig = await startWith(await serve(web), "commonName: shop");
  const { status, body } = await rig.ask();
  assert.equal(status, 502);
  assert.match(body, /^the endpoint's certificate is not for "shop": /);
  assert.match(body, /DNS:web/);
  assert.match(body, /error: E_TLS:/);
});

test("an authority that is not trusted is refused, and told", async () => {
  const other = made.authority("other");
  await using rig = await startWith(
    await serve(made.sign(other, "web2", { names: "DNS:web" })),
    "commonName: web",
  );
  const { status, body } = await rig.ask();
  assert.equal(status, 502);
  assert.match(
    body,
    /^the endpoint's certificate for "web" is not trusted: .*UNABLE_TO_GET_ISSUER_CERT_LOCALLY/,
  );
});

test("without trust of its own a client trusts the usual authorities, of which ours is none", async () => {
  await using rig = await startWith(await serve(web), "commonName: web", "");
  assert.match((await rig.ask()).body, /^the endpoint's certificate for "web" is not trusted/);
});

test("a certificate that has run out is refused, and told", async () => {
  const old = made.sign(authority, "old", { names: "DNS:web", expired: true });
  await using rig = await startWith(await serve(old), "commonName: web");
  const { status, body } = await rig.ask();
  assert.equal(status, 502);
  assert.match(body, /^the endpoint's certificate for "web" is out of date: .*CERT_HAS_EXPIRED/);
});

test("with disableValidation every certificate does", async () => {
  const other = made.authority("nobody");
  await using rig = await startWith(await serve(made.sign(other, "whoever")), "disableValidation: true", "");
  assert.equal((await rig.ask()).status, 200);
});

test("an address may be the expected name", async () => {
  await using rig = await startWith(await serve(web), "commonName: 127.0.0.9");
  assert.equal((await rig.ask()).status, 200);
  await using wrong = await startWith(await serve(web), "commonName: 127.0.0.8");
  assert.match((await wrong.ask()).body, /is not for "127\.0\.0\.8"/);
});

test("our certificate is shown where it is asked for", async () => {
  const us = made.sign(authority, "us");
  const demanding = ["-Verify", "1", "-verify_return_error", "-CAfile", authority.cert];
  for (const version of ["-tls1_2", "-tls1_3"]) {
    const port = await serve(web, version, ...demanding);
    await using without = await startWith(port, "commonName: web");
    assert.equal((await without.ask()).status, 502);
    await using rig = await startWith(
      port,
      `commonName: web, clientAuth: {certPath: ${us.cert}, keyPath: ${us.key}}`,
    );
    assert.equal((await rig.ask()).status, 200);
  }
});

test("TLS 1.1 is refused, unless the file asks for it", async () => {
  const port = await serve(web, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0");
  await using rig = await startWith(port, "commonName: web");
  const { status, body } = await rig.ask();
  assert.equal(status, 502);
  assert.match(body, /^the TLS handshake for "web" failed: .*protocol/);
  await using old = await startWith(port, "commonName: web, protocols: [TLSv1.1]");
  assert.equal((await old.ask()).status, 200);
});

test("an endpoint that speaks no TLS, and one that hangs up, are told apart from one that is not there", async () => {
  const closing = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => closing.listen(0, "127.0.0.1", resolve));
  const { port } = closing.address() as { port: number };
  await using rig = await startWith(port, "commonName: web");
  assert.match((await rig.ask()).body, /^the TLS handshake for "web" failed: /);
  closing.close();
  await using none = await startWith(1, "commonName: web");
  assert.match((await none.ask()).body, /cause: connect failed: ECONNREFUSED/);
});

test("the next connection to an endpoint takes the session up", async () => {
  for (const version of ["-tls1_2", "-tls1_3"]) {
    await using rig = await startWith(await serve(web, version), "commonName: web");
    assert.match((await rig.ask()).body, /^New, TLSv1/m);
    await eventually(async () => assert.match((await rig.ask()).body, /^Reused, TLSv1/m));
  }
});

test("trust changes live: the old authority is refused, its sessions with it", async () => {
  const young = made.authority("young authority");
  const trust = made.bundle("trust.pem", authority);
  await using rig = await startWith(await serve(web), "commonName: web", trust);
  assert.equal((await rig.ask()).status, 200);
  await eventually(async () => assert.match((await rig.ask()).body, /^Reused/m));
  made.bundle("trust.pem", young);
  await eventually(async () => assert.match((await rig.ask()).body, /is not trusted/));
  made.bundle("trust.pem", young, authority);
  await eventually(async () => assert.equal((await rig.ask()).status, 200));
});

test("our certificate changes live, and a file that cannot be used changes nothing", async () => {
  const [first, second] = [made.sign(authority, "first"), made.sign(authority, "second")];
  const live = { cert: `${folder.path}/live.pem`, key: `${folder.path}/live-key.pem` };
  const put = ({ cert, key }: Certificate): void => {
    copyFileSync(cert, live.cert);
    copyFileSync(key, live.key);
  };
  put(first);
  const port = await serve(web, "-Verify", "1", "-verify_return_error", "-CAfile", authority.cert);
  await using rig = await startWith(
    port,
    `commonName: web, clientAuth: {certPath: ${live.cert}, keyPath: ${live.key}}`,
  );
  assert.match((await rig.ask()).body, /CN=first/);
  const metrics = async () => (await (await rig.get("/admin/metrics.json")).json()) as Record<string, number>;
  assert.ok((await metrics())[`tls/certificate/${live.cert}/expires_in_seconds`]! > 0);
  copyFileSync(second.key, live.key);
  await eventually(async () => assert.equal((await metrics())["tls/reload_failures"], 1));
  assert.match((await rig.ask()).body, /CN=first/);
  put(second);
  await eventually(async () => assert.match((await rig.ask()).body, /CN=second/));
});

test("the chain of our certificate goes along", async () => {
  const middle = made.sign(authority, "client-middle", { authority: true });
  const below = made.sign(middle, "client-below");
  const port = await serve(web, "-Verify", "2", "-verify_return_error", "-CAfile", authority.cert);
  const own = `certPath: ${below.cert}, keyPath: ${below.key}`;
  await using without = await startWith(port, `commonName: web, clientAuth: {${own}}`);
  assert.equal((await without.ask()).status, 502);
  await using rig = await startWith(
    port,
    `commonName: web, clientAuth: {${own}, intermediateCertsPath: ${middle.cert}}`,
  );
  assert.equal((await rig.ask()).status, 200);
});

test("an authority below another may be all that is trusted, and so may one certificate", async () => {
  const middle = made.sign(authority, "trusted-middle", { authority: true });
  const leaf = made.sign(middle, "trusted-leaf", { names: "DNS:web" });
  const port = await serve(leaf, "-cert_chain", middle.cert);
  for (const trust of [middle.cert, leaf.cert]) {
    await using rig = await startWith(port, "commonName: web", trust);
    assert.equal((await rig.ask()).status, 200, trust);
  }
  const other = made.sign(authority, "other-middle", { authority: true });
  await using rig = await startWith(port, "commonName: web", other.cert);
  assert.match((await rig.ask()).body, /is not trusted/);
});

/** A page per request, each on a connection of its own. */
const serve = ({ cert, key }: Certificate, ...options: readonly string[]): Promise<number> =>
  serveWithOpenssl(ended.signal, "-cert", cert, "-key", key, ...options);

/** What `-servername` switches to. */
const twice = ({ cert, key }: Certificate): string[] => ["-cert2", cert, "-key2", key];

async function startWith(port: number, tls: string, trust = authority.cert) {
  const rig: Rig = await start(
    [
      "admin: {port: 0}",
      "routers:",
      "- protocol: http",
      `  dtab: /svc => /$/inet/127.1/${port}`,
      `  client: {tls: {${tls}${trust === "" ? "" : `, trustCertsBundle: ${trust}`}}, failureAccrual: {kind: none}}`,
      "  servers: [{port: 0}]",
    ].join("\n"),
    { workerUrl: new URL("../../daemon/data/worker.ts", import.meta.url) },
  );
  const url = `http://127.0.0.1:${rig.daemon.servers[0]!.port}/`;
  return {
    ...rig,
    ask: async () => {
      const answer = await fetch(url);
      return { status: answer.status, body: await answer.text() };
    },
    [Symbol.asyncDispose]: () => rig.daemon.close(0),
  };
}
