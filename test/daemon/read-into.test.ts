/** Reading accepted sockets, by TLS: into the worker's buffer where Node.js is as it was, and in the public way. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, type TestContext, test } from "node:test";
import * as tls from "node:tls";
import { readBuffer } from "../../daemon/data/transport/read-buffer.ts";
import { readInto } from "../../daemon/data/transport/read-into.ts";
import { Certificates } from "../kit/certificates.ts";

const folder = mkdtempSync(path.join(tmpdir(), "read-into-"));
after(() => rmSync(folder, { recursive: true }));
const own = new Certificates(folder).authority("web");

/** An accepted TLS socket and its caller. */
async function connect(t: TestContext): Promise<{ caller: Socket; accepted: Socket }> {
  const server = tls.createServer({
    cert: readFileSync(own.cert),
    key: readFileSync(own.key),
    allowHalfOpen: true,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const accepted = once(server, "secureConnection") as Promise<[Socket]>;
  const { port } = server.address() as AddressInfo;
  const caller = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  caller.on("error", () => {});
  t.after(() => caller.destroy());
  await once(caller, "secureConnect");
  return { caller, accepted: (await accepted)[0] };
}

/** Reads as many bytes as are sent; which buffers they came in. */
async function exchange(t: TestContext, ...known: [null] | []): Promise<Set<Buffer>> {
  const { caller, accepted } = await connect(t);
  const buffers = new Set<Buffer>();
  const whole = Promise.withResolvers<void>();
  let bytes = 0;
  readInto(
    accepted,
    (buffer, length) => {
      buffers.add(buffer);
      assert.ok(buffer.subarray(0, length).every((byte) => byte === 0x61));
      bytes += length;
      if (bytes === 200_000) whole.resolve();
    },
    ...known,
  );
  caller.write("a".repeat(100_000));
  accepted.pause();
  accepted.resume();
  caller.write("a".repeat(100_000));
  await whole.promise;
  const ended = once(accepted, "end");
  caller.end();
  await ended;
  const answer = once(caller, "data");
  const closed = once(accepted, "close");
  accepted.end("bye");
  assert.equal(String((await answer)[0]), "bye");
  await closed;
  return buffers;
}

test("this version of Node.js lets accepted TLS sockets read into the worker's buffer", async (t) => {
  assert.deepEqual(
    [...(await exchange(t))].map((buffer) => buffer === readBuffer),
    [true],
  );
});

test("this version of Node.js lets what is read go past the socket, which hears of the end", async (t) => {
  const { caller, accepted } = await connect(t);
  const { _handle: handle } = accepted as unknown as { _handle: { onread: unknown } };
  const ofSocket = handle.onread;
  const read = Promise.withResolvers<string>();
  readInto(accepted, (buffer, length) => read.resolve(buffer.toString("latin1", 0, length)));
  assert.equal(typeof ofSocket, "function");
  assert.notEqual(handle.onread, ofSocket);
  caller.write("past");
  assert.equal(await read.promise, "past");
  const ended = once(accepted, "end");
  caller.end();
  await ended;
});

test("where sockets are kept in another way, TLS is read in the public way", async (t) => {
  const buffers = await exchange(t, null);
  assert.ok(buffers.size > 0);
  assert.ok(!buffers.has(readBuffer));
});

test("what came in the wake of the handshake is not lost", async (t) => {
  const { caller, accepted } = await connect(t);
  accepted.pause();
  accepted.on("readable", () => {});
  caller.write("early");
  await once(accepted, "readable");
  accepted.removeAllListeners("readable");
  const read = new Promise<string>((resolve) =>
    readInto(accepted, (buffer, length) => resolve(buffer.toString("latin1", 0, length))),
  );
  accepted.resume();
  assert.equal(await read, "early");
});
