/** TLS of listeners, with the openssl command as the caller: versions, certificates, and files that change. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import https from "node:https";
import { type AddressInfo, connect } from "node:net";
import { after, before, test } from "node:test";
import type { ConfigRead } from "../../daemon/control/reloader.ts";
import { type Rig, start } from "../daemon/rig.ts";
import { type Certificate, Certificates } from "../kit/certificates.ts";
import { eventually } from "../kit/eventually.ts";
import { askWithOpenssl } from "../kit/openssl.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { checkedConfig } from "./tls-rig.ts";

const workerUrl = new URL("../../daemon/data/worker.ts", import.meta.url);
const folder = tempDir();
const made = new Certificates(folder.path);
const requests: IncomingMessage[] = [];
const endpoint = createServer((request, answer) => {
  requests.push(request);
  if (request.url === "/echo") request.pipe(answer);
  else if (request.url === "/cut") answer.write("a part", () => answer.destroy());
  else answer.end("hello\n");
});
let authority: Certificate;
let web: Certificate;

before(async () => {
  authority = made.authority("authority");
  web = made.sign(authority, "web");
  await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
});
after(() => {
  endpoint.close();
  endpoint.closeAllConnections();
  folder[Symbol.dispose]();
});

test("a caller that trusts the authority is served, by TLS 1.2 and 1.3 and no older one", async () => {
  await using rig = await startWith(tlsOf(web));
  for (const version of ["-tls1_2", "-tls1_3"]) {
    const said = await ask(rig, version);
    assert.match(said, /Verify return code: 0 \(ok\)/);
    assert.match(said, /hello/);
  }
  const said = await ask(rig, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0");
  assert.match(said, /alert protocol version/);
  assert.doesNotMatch(said, /hello/);
});

test("protocols and ciphers hold, under OpenSSL's names and the JVM's", async () => {
  await using rig = await startWith(
    `${tlsOf(web)}, protocols: [TLSv1.2], ciphers: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]`,
  );
  assert.match(await ask(rig), /Cipher is ECDHE-ECDSA-AES128-GCM-SHA256/);
  assert.match(await ask(rig, "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"), /alert handshake failure/);
  assert.match(await ask(rig, "-tls1_3"), /alert protocol version/);
});

test("a file that asks for TLS 1.1 gets it", async () => {
  await using rig = await startWith(`${tlsOf(web)}, protocols: [TLSv1.1]`);
  assert.match(await ask(rig, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"), /hello/);
});

test("a key in the older form serves as well, and the chain goes along", async () => {
  const middle = made.sign(authority, "middle", { authority: true });
  const below = made.sign(middle, "below");
  const { cert } = below;
  await using rig = await startWith(
    `${tlsOf({ cert, key: made.traditional(below) })}, intermediateCertsPath: ${middle.cert}`,
  );
  const said = await ask(rig);
  assert.match(said, /Verify return code: 0 \(ok\)/);
  assert.match(said, /hello/);
});

test("with requireClientAuth only a good certificate is served", async () => {
  const other = made.authority("other");
  const good = made.sign(authority, "good");
  const foreign = made.sign(other, "foreign");
  const expired = made.sign(authority, "old", { expired: true });
  await using rig = await startWith(`${tlsOf(web)}, requireClientAuth: true, caCertPath: ${authority.cert}`);
  for (const version of ["-tls1_2", "-tls1_3"]) {
    assert.match(await ask(rig, version, ...showing(good)), /hello/);
    assert.doesNotMatch(await ask(rig, version), /hello/);
    assert.doesNotMatch(await ask(rig, version, ...showing(foreign)), /hello/);
    assert.doesNotMatch(await ask(rig, version, ...showing(expired)), /hello/);
  }
  const metrics = await metricsOf(rig);
  const server = `rt/http/server/127.0.0.1/${rig.port}/tls`;
  assert.equal(metrics[`${server}/handshake_failures`], 6);
  assert.equal(metrics[`${server}/connections`], 0);
});

test("endpoints are told of the caller's certificate, and never what the caller says of it", async () => {
  const good = made.sign(authority, "told", {
    subject: "/C=US/O=A, Inc/CN=told",
    names: "URI:spiffe://td/told,DNS:told,IP:127.0.0.1",
  });
  const spoofed = ["x-forwarded-client-cert: Hash=00", "X-Forwarded-Client-Cert: Hash=01"];
  await using rig = await startWith(
    `${tlsOf(web)}, requireClientAuth: true, caCertPath: ${authority.cert}`,
    "forwardClientCert: true",
  );
  requests.length = 0;
  await ask(rig, ...showing(good));
  const { headersDistinct } = requests[0]!;
  const [value, ...more] = headersDistinct["x-forwarded-client-cert"]!;
  assert.deepEqual(more, []);
  assert.match(
    value!,
    /^Hash=[0-9A-F]{64};SAN=spiffe:\/\/td\/told;DNS=told;Subject="CN=told,O=A\\, Inc,C=US"$/,
  );
  await using plain = await startWith(undefined, "forwardClientCert: true");
  requests.length = 0;
  await plainly(plain.port, ...spoofed);
  assert.equal(requests[0]!.headersDistinct["x-forwarded-client-cert"], undefined);
});

test("a new certificate is shown to whoever comes next; a broken file changes nothing", async () => {
  const live = copyOf("live", web);
  const next = made.sign(authority, "next", { subject: "/CN=the next one", names: "DNS:web" });
  await using rig = await startWith(tlsOf(live));
  assert.match(await ask(rig), /subject=CN = web/);
  writeFileSync(live.cert, "no certificate");
  await eventually(async () => assert.equal((await metricsOf(rig))["tls/reload_failures"], 1));
  assert.match(await ask(rig), /subject=CN = web/);
  copyFileSync(next.cert, live.cert);
  copyFileSync(next.key, live.key);
  await eventually(async () => assert.match(await ask(rig), /subject=CN = the next one/));
  const told = rig.log.filter(({ level }) => level === "error");
  assert.match(JSON.stringify(told[0]), /live\.pem holds no PEM certificate/);
});

test("authorities change live: with both all are served, then the old one no more, resumed or not", async () => {
  const old = made.authority("old authority");
  const young = made.authority("young authority");
  const before = made.sign(old, "before");
  const now = made.sign(young, "now");
  const trust = made.bundle("trust.pem", old);
  await using rig = await startWith(`${tlsOf(web)}, requireClientAuth: true, caCertPath: ${trust}`);
  const session = `${folder.path}/session`;
  assert.match(await ask(rig, "-tls1_2", ...showing(before), "-sess_out", session), /hello/);
  assert.match(await ask(rig, "-tls1_2", ...showing(before), "-sess_in", session), /Reused[\s\S]*hello/);
  assert.doesNotMatch(await ask(rig, ...showing(now)), /hello/);
  made.bundle("trust.pem", old, young);
  await eventually(async () => assert.match(await ask(rig, ...showing(now)), /hello/));
  assert.match(await ask(rig, "-tls1_2", ...showing(before), "-sess_out", session), /hello/);
  made.bundle("trust.pem", young);
  await eventually(async () => assert.doesNotMatch(await ask(rig, ...showing(before)), /hello/));
  assert.doesNotMatch(await ask(rig, "-tls1_2", ...showing(before), "-sess_in", session), /hello/);
  assert.match(await ask(rig, ...showing(now)), /hello/);
});

test("bodies of any size pass both ways, and one that is cut short looks cut short", async () => {
  await using rig = await startWith(tlsOf(web));
  const body = Buffer.alloc(5_000_000, "0123456789abcdef");
  const { status, data } = await post(rig.port, "/echo", body);
  assert.equal(status, 200);
  assert.ok(data.equals(body));
  await assert.rejects(post(rig.port, "/cut", Buffer.alloc(0)), /ECONNRESET|aborted/);
});

test("the admin server speaks TLS, with the certificate of the day", async () => {
  const live = copyOf("admin", web);
  const next = made.sign(authority, "admin2", { subject: "/CN=the next one", names: "DNS:web" });
  const rig = await start(
    `admin: {port: 0, tls: {${tlsOf(live)}}}\nrouters: [{protocol: http, servers: [{port: 0}]}]`,
  );
  const { port } = rig.daemon.admin;
  try {
    assert.match(
      await askWithOpenssl(port, "web", "-CAfile", authority.cert),
      /subject=CN = web[\s\S]*200 OK/,
    );
    copyFileSync(next.cert, live.cert);
    copyFileSync(next.key, live.key);
    await eventually(async () =>
      assert.match(await askWithOpenssl(port, "web"), /subject=CN = the next one[\s\S]*200 OK/),
    );
  } finally {
    await rig.daemon.close(0);
  }
});

test("a reload turns TLS on and off and over to other files, and what cannot be used changes nothing", async () => {
  const next = made.sign(authority, "after", { subject: "/CN=after", names: "DNS:web" });
  let text = "";
  const port = await freePort();
  const withTls = (tls: string): string =>
    `admin: {port: 0}\nrouters: [{protocol: http, dtab: "/svc => /$/inet/127.1/${endpointPort()}", servers: [{port: ${port}${tls}}]}]`;
  const read = async (): Promise<ConfigRead> => ({
    ...(await checkedConfig(text)),
    fileName: "linkerd.yaml",
    text,
    places: {},
  });
  const rig = await start(withTls(""), { workerUrl, read });
  const ask = (): Promise<string> => askWithOpenssl(port, "web", "-CAfile", authority.cert);
  try {
    await plainly(port);
    text = withTls(`, tls: {${tlsOf(web)}}`);
    assert.equal((await rig.daemon.reload("test")).reloaded, true);
    assert.match(await ask(), /subject=CN = web[\s\S]*hello/);
    text = withTls(`, tls: {${tlsOf({ cert: web.cert, key: next.key })}}`);
    const refused = await rig.daemon.reload("test");
    assert.match(JSON.stringify(refused), /servers\[0\]\.tls: .*not that of the key/);
    assert.match(await ask(), /subject=CN = web[\s\S]*hello/);
    text = withTls(`, tls: {${tlsOf(next)}}`);
    assert.equal((await rig.daemon.reload("test")).reloaded, true);
    assert.match(await ask(), /subject=CN = after[\s\S]*hello/);
    const metrics = await metricsOf(rig);
    assert.equal(metrics[`tls/certificate/${web.cert}/expires_in_seconds`], undefined);
    assert.ok(metrics[`tls/certificate/${next.cert}/expires_in_seconds`]! > 0);
    text = withTls("");
    assert.equal((await rig.daemon.reload("test")).reloaded, true);
    requests.length = 0;
    await plainly(port);
    assert.equal(requests.length, 1);
  } finally {
    await rig.daemon.close(0);
  }
});

test("what is no TLS at all is counted, and harms nobody", async () => {
  await using rig = await startWith(tlsOf(web));
  await plainly(rig.port);
  await eventually(async () =>
    assert.equal((await metricsOf(rig))[`rt/http/server/127.0.0.1/${rig.port}/tls/handshake_failures`], 1),
  );
  assert.match(await ask(rig), /hello/);
});

test("a certificate that ends soon is a warning, and a gauge", async () => {
  const soon = made.sign(authority, "soon", { days: 10 });
  await using rig = await startWith(tlsOf(soon));
  await eventually(async () => {
    const seconds = (await metricsOf(rig))[`tls/certificate/${soon.cert}/expires_in_seconds`]!;
    assert.ok(seconds > 9.9 * 86_400 && seconds <= 10 * 86_400, String(seconds));
  });
  const warning = rig.log.find(({ message }) => message === "TLS certificate will expire soon");
  assert.equal(warning?.["file"], soon.cert);
});

test("files that do not go together are told with the line of the block", async () => {
  const other = made.sign(authority, "unlike");
  await assert.rejects(startWith(tlsOf({ cert: web.cert, key: other.key })), (error: Error) => {
    assert.match(
      JSON.stringify((error as { issues?: unknown }).issues),
      /servers\[0\]\.tls.*not that of the key/,
    );
    return true;
  });
  await assert.rejects(startWith(`${tlsOf(web)}, protocols: [TLSv2]`));
});

const endpointPort = (): number => (endpoint.address() as AddressInfo).port;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const tlsOf = ({ cert, key }: Certificate): string => `certPath: ${cert}, keyPath: ${key}`;
const showing = ({ cert, key }: Certificate): string[] => ["-cert", cert, "-key", key];

function copyOf(name: string, from: Certificate): Certificate {
  const to = { cert: `${folder.path}/${name}.pem`, key: `${folder.path}/${name}-key.pem` };
  copyFileSync(from.cert, to.cert);
  copyFileSync(from.key, to.key);
  return to;
}

async function startWith(tls: string | undefined, client?: string) {
  const rig = await start(
    [
      "admin: {port: 0}",
      "routers:",
      "- protocol: http",
      `  dtab: /svc => /$/inet/127.1/${endpointPort()}`,
      ...(client === undefined ? [] : [`  client: {${client}}`]),
      `  servers: [{port: 0${tls === undefined ? "" : `, tls: {${tls}}`}}]`,
    ].join("\n"),
    { workerUrl },
  );
  return { ...rig, port: rig.daemon.servers[0]!.port, [Symbol.asyncDispose]: () => rig.daemon.close(0) };
}

const ask = (rig: { readonly port: number }, ...options: readonly string[]): Promise<string> =>
  askWithOpenssl(rig.port, "web", "-CAfile", authority.cert, ...options);

const metricsOf = async (rig: Pick<Rig, "get">): Promise<Record<string, number>> =>
  (await (await rig.get("/admin/metrics.json")).json()) as Record<string, number>;

async function post(port: number, path: string, body: Buffer): Promise<{ status: number; data: Buffer }> {
  const ca = readFileSync(authority.cert);
  const request = https.request({
    port,
    path,
    method: "POST",
    ca,
    servername: "web",
    headers: { host: "web" },
  });
  request.end(body);
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { status: answer.statusCode!, data: Buffer.concat(chunks) };
}

function plainly(port: number, ...fields: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(["GET / HTTP/1.1", "host: web", "connection: close", ...fields, "", ""].join("\r\n"));
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.resume();
  });
}
