/** Certificates that were taken back (`crlPath`), of callers and of endpoints, with the openssl command as the peer. */
import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
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
let good: Certificate;
let bad: Certificate;
let endpoint: Awaited<ReturnType<typeof startEndpoint>>;

before(async () => {
  authority = made.authority("authority");
  proxy = made.sign(authority, "proxy");
  good = made.sign(authority, "good", { names: "DNS:web" });
  bad = made.sign(authority, "bad", { names: "DNS:web" });
  endpoint = await startEndpoint();
});
after(() => {
  ended.abort();
  endpoint.close();
  folder[Symbol.dispose]();
});

test("a caller whose certificate was taken back is not served, the others are", async () => {
  await using rig = await serving(made.revocations(authority, "some", [bad]));
  for (const version of ["-tls1_2", "-tls1_3"]) {
    assert.match(await ask(rig, good, version), /hello/);
    assert.doesNotMatch(await ask(rig, bad, version), /hello/);
  }
  const metrics = await rig.metrics();
  assert.equal(metrics[`rt/http/server/127.0.0.1/${rig.port}/tls/handshake_failures`], 2);
});

test("a list that changes holds for who comes next, sessions of before included", async () => {
  const file = path.join(folder.path, "live-crl.pem");
  const session = path.join(folder.path, "session");
  copyFileSync(made.revocations(authority, "nobody", []), file);
  await using rig = await serving(file);
  assert.match(await ask(rig, bad, "-tls1_2", "-sess_out", session), /hello/);
  assert.match(await ask(rig, bad, "-tls1_2", "-sess_in", session), /Reused[\s\S]*hello/);
  copyFileSync(made.revocations(authority, "bad", [bad]), file);
  await eventually(async () => assert.doesNotMatch(await ask(rig, bad, "-tls1_2"), /hello/));
  assert.doesNotMatch(await ask(rig, bad, "-tls1_2", "-sess_in", session), /hello/);
  assert.match(await ask(rig, good), /hello/);
  writeFileSync(file, "no list");
  await eventually(async () => assert.equal((await rig.metrics())["tls/reload_failures"], 1));
  assert.doesNotMatch(await ask(rig, bad), /hello/);
  const told = rig.log.find(({ level }) => level === "error");
  assert.match(JSON.stringify(told), /live-crl\.pem holds no PEM list of revoked certificates/);
});

test("an endpoint whose certificate was taken back is refused, live, its sessions with it", async () => {
  const file = path.join(folder.path, "client-crl.pem");
  copyFileSync(made.revocations(authority, "none-yet", []), file);
  await using rig = await calling(bad, file);
  assert.equal((await rig.ask()).status, 200);
  await eventually(async () => assert.match((await rig.ask()).body, /^Reused/m));
  copyFileSync(made.revocations(authority, "now", [bad]), file);
  await eventually(async () =>
    assert.match(
      (await rig.ask()).body,
      /^the endpoint's certificate for "web" is not trusted: .*revoked.*CERT_REVOKED/,
    ),
  );
  copyFileSync(made.revocations(authority, "not-any-more", []), file);
  await eventually(async () => assert.equal((await rig.ask()).status, 200));
});

test("a list that has run out, or of another authority, trusts nobody", async () => {
  await using late = await calling(good, made.revocations(authority, "late", [], true));
  assert.match((await late.ask()).body, /is not trusted: .*CRL_HAS_EXPIRED/);
  const seconds = (await late.metrics())[
    `tls/crl/${path.join(folder.path, "late.crl.pem")}/expires_in_seconds`
  ];
  assert.ok(seconds! < 0, String(seconds));
  assert.ok(late.log.some(({ message }) => message === "TLS crl expired"));
  const other = made.authority("other");
  await using foreign = await calling(good, made.revocations(other, "foreign", []));
  assert.match((await foreign.ask()).body, /is not trusted: .*UNABLE_TO_GET_CRL/);
});

test("a chain wants the lists of all its authorities, in one file", async () => {
  const middle = made.sign(authority, "middle", { authority: true });
  const leaf = made.sign(middle, "leaf", { names: "DNS:web" });
  const chain = made.bundle("chain.pem", leaf, middle);
  const lists = made.join(
    "both.pem",
    made.revocations(authority, "root", []),
    made.revocations(middle, "mid", []),
  );
  await using whole = await calling({ ...leaf, cert: chain }, lists);
  assert.equal((await whole.ask()).status, 200);
  const without = made.join(
    "without.pem",
    made.revocations(authority, "root", [middle]),
    made.revocations(middle, "mid", []),
  );
  await using revoked = await calling({ ...leaf, cert: chain }, without);
  assert.match((await revoked.ask()).body, /CERT_REVOKED/);
});

test("a file that holds no list is told with the line of its block, before anything starts", async () => {
  await assert.rejects(calling(good, authority.cert), (error: Error) => {
    assert.match(JSON.stringify((error as { issues?: unknown }).issues), /tls.*no PEM list of revoked/);
    return true;
  });
});

const serving = (crl: string): Promise<TlsRig> =>
  startRouter({
    endpoint: endpoint.port,
    server: `tls: {certPath: ${proxy.cert}, keyPath: ${proxy.key}, requireClientAuth: true, caCertPath: ${authority.cert}, crlPath: ${crl}}`,
  });

const calling = async ({ cert, key }: Certificate, crl: string): Promise<TlsRig> =>
  startRouter({
    endpoint: await serveWithOpenssl(ended.signal, "-cert_chain", cert, "-cert", cert, "-key", key),
    client: `tls: {commonName: web, trustCertsBundle: ${authority.cert}, crlPath: ${crl}}`,
  });

const ask = (rig: TlsRig, { cert, key }: Certificate, ...options: readonly string[]): Promise<string> =>
  askWithOpenssl(rig.port, "web", "-CAfile", authority.cert, "-cert", cert, "-key", key, ...options);
