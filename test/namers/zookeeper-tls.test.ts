/** ZooKeeper over TLS: with a certificate of ours where the server wants one, and nothing said to a server that is not it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createServer, type TLSSocket } from "node:tls";
import { clientTls } from "../../config/blocks.ts";
import { ZooKeeper } from "../../namers/lib/zookeeper/client.ts";
import { Certificates } from "../kit/certificates.ts";
import { realClock } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { FakeZooKeeper } from "../kit/fake-zookeeper.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { withDefaults } from "../kit/with-defaults.ts";

test("a session goes over TLS, and a server whose certificate says another name gets none", async () => {
  using folder = tempDir();
  const certificates = new Certificates(folder.path);
  const authority = certificates.authority("authority");
  const host = certificates.sign(authority, "zk.example");
  const own = certificates.sign(authority, "pointsman");
  const fake = new FakeZooKeeper();
  fake.put("/web", "hello");
  const server = createServer({
    cert: readFileSync(host.cert),
    key: readFileSync(host.key),
    ca: readFileSync(authority.cert),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const peers: string[] = [];
  server.on("secureConnection", (socket: TLSSocket) => {
    peers.push(String(socket.getPeerCertificate().subject.CN));
    const inner = fake.open({ host: "", port: 0 });
    socket.on("error", () => {});
    socket.pipe(inner).pipe(socket);
    socket.on("close", () => inner.destroy());
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const connect = (commonName: string) => {
    const tls = withDefaults(clientTls, {
      commonName,
      trustCertsBundle: authority.cert,
      clientAuth: { certPath: own.cert, keyPath: own.key },
    });
    const zkAddrs = [{ host: "127.0.0.1", port }];
    const ctx = { ...pluginContext(), clock: realClock };
    return new ZooKeeper({ zkAddrs, chroot: "/", sessionTimeoutMs: 3_000, tls }, ctx);
  };
  const signal = new AbortController().signal;
  try {
    const good = connect("zk.example");
    const release = good.session.hold();
    assert.equal((await good.getData("/web", signal)).data.toString(), "hello");
    assert.deepEqual(peers, ["pointsman"]);
    await release();
    const bad = connect("other.example");
    const stop = bad.session.hold();
    await eventually(() => assert.rejects(bad.getData("/web", signal), /altnames|Host|name/));
    await stop();
    assert.equal(fake.sessions, 0);
  } finally {
    server.close();
  }
});
