/** The HTTP client of namers: over TLS with each key of a TLS block, and streams. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { createServer, type ServerOptions } from "node:https";
import { type AddressInfo, isIP } from "node:net";
import path from "node:path";
import { after, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { type ClientTls, clientTls } from "../../config/blocks.ts";
import { createHttpClient } from "../../namers/lib/http-client.ts";
import { Certificates } from "../kit/certificates.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { withDefaults } from "../kit/with-defaults.ts";

const folder = tempDir();
after(() => folder[Symbol.dispose]());
const made = new Certificates(folder.path);
const ca = made.authority("ca");
const other = made.authority("other");
const server = made.sign(ca, "server", { names: "DNS:backend, DNS:localhost" });
const client = made.sign(ca, "client");

interface Seen {
  readonly name: string | undefined;
  readonly client: string | undefined;
  readonly method: string | undefined;
  readonly authorization: string | undefined;
}

/** Runs against a server that tells what it saw; it streams on `/stream`. */
async function withServer(
  options: ServerOptions,
  run: (port: number, seen: Seen[]) => Promise<void>,
): Promise<void> {
  const seen: Seen[] = [];
  const pair = { cert: readFileSync(server.cert), key: readFileSync(server.key) };
  const listening = createServer({ ...pair, ...options }, (request, response) => {
    const socket = request.socket as TLSSocket & { readonly servername?: string | false };
    seen.push({
      name: socket.servername || undefined,
      client: socket.getPeerCertificate().subject?.CN as string | undefined,
      method: request.method,
      authorization: request.headers.authorization,
    });
    if (request.url === "/stream") response.write("event\n\n");
    else request.pipe(response);
  });
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  try {
    await run((listening.address() as AddressInfo).port, seen);
  } finally {
    listening.close();
    listening.closeAllConnections();
  }
}

const connect = (port: number, tls: Partial<ClientTls>, host = "127.0.0.1") =>
  createHttpClient({
    host,
    port,
    headers: { authorization: "all" },
    maxConnections: 2,
    maxBytes: 1024,
    tls: withDefaults(clientTls, tls) as ClientTls,
  });
const ask = (port: number, tls: Partial<ClientTls>, host?: string) =>
  connect(port, tls, host).ask("/", new AbortController().signal);
const trusted = { commonName: "backend", trustCertsBundle: ca.cert };

test("a backend with the name and the authority of the block is asked, by that name", async () => {
  await withServer({}, async (port, seen) => {
    const signal = new AbortController().signal;
    const it = connect(port, trusted);
    assert.equal((await it.ask("/", signal)).status, 200);
    const posted = await it.ask("/", signal, { json: { a: 1 }, headers: { authorization: "own" } });
    assert.equal(posted.body, '{"a":1}');
    assert.deepEqual(seen, [
      { name: "backend", client: undefined, method: "GET", authorization: "all" },
      { name: "backend", client: undefined, method: "POST", authorization: "own" },
    ]);
  });
});

test("several trustCerts are believed as a bundle is", async () => {
  await withServer({}, async (port) => {
    const { status } = await ask(port, { commonName: "backend", trustCerts: [other.cert, ca.cert] });
    assert.equal(status, 200);
  });
});

const refusals: Readonly<Record<string, readonly [Partial<ClientTls>, RegExp]>> = {
  "of an authority that the block does not name": [
    { ...trusted, trustCertsBundle: other.cert },
    /^Error: unable to (verify the first|get local issuer) certificate$/,
  ],
  "of no usual authority": [
    { commonName: "backend" },
    /^Error: unable to (verify the first|get local issuer) certificate$/,
  ],
  "of another name": [{ ...trusted, commonName: "elsewhere" }, /elsewhere/],
  "with files that are gone": [
    { ...trusted, trustCertsBundle: path.join(folder.path, "gone.pem") },
    /gone\.pem/,
  ],
  "without the version that the block asks for": [
    { ...trusted, protocols: ["TLSv1.1"] },
    /protocol|version/i,
  ],
};
for (const [what, [tls, message]] of Object.entries(refusals)) {
  test(`a backend ${what} is refused, with the reason`, async () => {
    await withServer({ minVersion: "TLSv1.2" }, async (port, seen) => {
      await assert.rejects(ask(port, tls), message);
      assert.deepEqual(seen, []);
    });
  });
}

test("disableValidation believes anyone, and still asks by the commonName", async () => {
  await withServer({}, async (port, seen) => {
    await ask(port, { disableValidation: true, commonName: "any" });
    await ask(port, { disableValidation: true });
    assert.deepEqual(
      seen.map(({ name }) => name),
      ["any", undefined],
    );
    assert.notEqual(isIP("127.0.0.1"), 0, "an address is not asked for by name");
  });
});

test("a backend that wants a client certificate gets that of the block, also without validation", async () => {
  const clientAuth = { certPath: client.cert, keyPath: client.key };
  const wants = { requestCert: true, rejectUnauthorized: true, ca: readFileSync(ca.cert) };
  await withServer(wants, async (port, seen) => {
    await assert.rejects(ask(port, trusted));
    await ask(port, { ...trusted, clientAuth });
    await ask(port, { disableValidation: true, clientAuth });
    assert.deepEqual(
      seen.map((each) => each.client),
      ["client", "client"],
    );
  });
});

test("files that were replaced count from the next connection on", async () => {
  const bundle = path.join(folder.path, "live.pem");
  copyFileSync(other.cert, bundle);
  await withServer({}, async (port) => {
    const it = connect(port, { ...trusted, trustCertsBundle: bundle });
    const signal = new AbortController().signal;
    await assert.rejects(it.ask("/", signal));
    copyFileSync(ca.cert, bundle);
    assert.equal((await it.ask("/", signal)).status, 200);
  });
});

test("enabled: false talks in the clear", async () => {
  await withServer({}, async (port) => {
    await assert.rejects(ask(port, { ...trusted, enabled: false }), { code: "ECONNRESET" });
  });
});

test("a stream is read as it comes and ends with its signal, beside the connections of answers", async () => {
  await withServer({}, async (port) => {
    const it = connect(port, trusted);
    const streams = await Promise.all(
      [1, 2, 3].map(async () => {
        const ending = new AbortController();
        return { ending, stream: await it.stream("/stream", ending.signal) };
      }),
    );
    for (const { stream, ending } of streams) {
      const chunks = stream.chunks[Symbol.asyncIterator]();
      assert.deepEqual(await chunks.next(), { done: false, value: "event\n\n" });
      const next = chunks.next();
      ending.abort();
      await assert.rejects(next);
    }
    assert.equal((await it.ask("/", new AbortController().signal)).status, 200);
  });
});
