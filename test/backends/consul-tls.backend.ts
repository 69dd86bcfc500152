/** `io.l5d.consul` over TLS to a real Consul agent, which wants a certificate of its callers. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Certificates } from "../kit/certificates.ts";
import { eventually } from "../kit/eventually.ts";
import { type Daemon, endpoint, startDaemon } from "./daemon.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "pointsman-consul-tls-"));
const ca = { cert: join(dir, "ca.crt"), key: join(dir, "ca.key") };

let url: string;
let httpsPort: number;
let a: Awaited<ReturnType<typeof endpoint>>;
let client: ReturnType<Certificates["sign"]>;
let others: ReturnType<Certificates["authority"]>;
const daemons: Daemon[] = [];

before(async () => {
  const mutual = `tls { https { ca_file = "${ca.cert}", verify_incoming = true } }`;
  const out = execFileSync(`${here}start-consul.sh`, [dir, "--tls", "--", "-hcl", mutual], {
    encoding: "utf8",
  });
  url = /^CONSUL_URL=(.*)$/m.exec(out)![1]!;
  httpsPort = Number(new URL(/^CONSUL_HTTPS_URL=(.*)$/m.exec(out)![1]!).port);
  const made = new Certificates(join(dir, "made"));
  client = made.sign(ca, "pointsman");
  others = made.authority("others");
  a = await endpoint("a");
  const body = JSON.stringify({ Name: "web", ID: "web-1", Address: "127.0.0.1", Port: a.port });
  const { ok } = await fetch(`${url}/v1/agent/service/register`, { method: "PUT", body });
  assert.ok(ok);
});

after(async () => {
  for (const daemon of daemons) await daemon.stop();
  a?.close();
  execFileSync(`${here}stop.sh`, ["--rm", dir]);
});

async function daemonWith(tls: object): Promise<Daemon> {
  const daemon = await startDaemon(`
admin: {port: {adminPort}}
namers:
- kind: io.l5d.consul
  host: 127.0.0.1
  port: ${httpsPort}
  tls: ${JSON.stringify(tls)}
routers:
- protocol: http
  dtab: /svc => /#/io.l5d.consul/dc1
  servers:
  - port: {port}
`);
  daemons.push(daemon);
  return daemon;
}

const clientAuth = () => ({ certPath: client.cert, keyPath: client.key });

/** What the namer says of the name's last failure. */
async function lastError(daemon: Daemon): Promise<string> {
  const state = JSON.parse(await daemon.admin("/namer_state/io.l5d.consul.json"));
  return String(state.names["dc1/web"]?.lastError);
}

test("a name is found over TLS, with the agent's name checked and a certificate shown", async () => {
  const daemon = await daemonWith({
    commonName: "server.dc1.consul",
    trustCerts: [ca.cert],
    clientAuth: clientAuth(),
  });
  await eventually(async () => assert.deepEqual(await daemon.ask("web"), { status: 200, body: "a" }), 10_000);
});

test("disableValidation takes any certificate, and shows its own", async () => {
  const daemon = await daemonWith({ disableValidation: true, clientAuth: clientAuth() });
  await eventually(async () => assert.deepEqual(await daemon.ask("web"), { status: 200, body: "a" }), 10_000);
});

const refusals: Readonly<Record<string, readonly [() => object, RegExp]>> = {
  "is signed by another authority": [
    () => ({ commonName: "localhost", trustCertsBundle: others.cert, clientAuth: clientAuth() }),
    /certificate/,
  ],
  "has another name": [
    () => ({ commonName: "consul.example", trustCertsBundle: ca.cert, clientAuth: clientAuth() }),
    /consul\.example/,
  ],
};
for (const [what, [tls, message]] of Object.entries(refusals)) {
  test(`an agent whose certificate ${what} is not believed, and the state says why`, async () => {
    const daemon = await daemonWith(tls());
    assert.equal((await daemon.ask("web")).status, 502);
    await eventually(async () => assert.match(await lastError(daemon), message));
  });
}

test("an agent that wants a certificate and gets none refuses", async () => {
  const daemon = await daemonWith({ commonName: "localhost", trustCertsBundle: ca.cert });
  assert.equal((await daemon.ask("web")).status, 502);
  await eventually(async () => assert.match(await lastError(daemon), /certificate|handshake|reset/i));
});
