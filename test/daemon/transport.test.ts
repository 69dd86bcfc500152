/** Transports: on handles and on sockets of Node's the same things happen in the same order. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as tls from "node:tls";
import { createAcceptor } from "../../daemon/data/server/acceptor.ts";
import { connect } from "../../daemon/data/transport/connect.ts";
import { HandleTransport } from "../../daemon/data/transport/handle-transport.ts";
import { nodeHandles } from "../../daemon/data/transport/node-handles.ts";
import { readBuffer } from "../../daemon/data/transport/read-buffer.ts";
import { SocketTransport } from "../../daemon/data/transport/socket-transport.ts";
import type { Transport, TransportOwner } from "../../daemon/data/transport/transport.ts";
import { Certificates } from "../kit/certificates.ts";
import { TestOwner } from "./test-owner.ts";

const options = { noDelay: true, keepAlive: true };
const folder = mkdtempSync(path.join(tmpdir(), "transport-"));
after(() => rmSync(folder, { recursive: true }));
const own = new Certificates(folder).authority("web");
const certificate = () => ({ cert: readFileSync(own.cert), key: readFileSync(own.key) });

/** A connection whose accepting side is a transport. */
interface Pair {
  readonly transport: Transport;
  readonly owner: TestOwner;
  readonly peer: net.Socket;
  /** The peer ends with a reset. */
  reset(): void;
}

type Accept = (t: TestContext, owner?: TestOwner) => Promise<Pair>;

const acceptWith =
  (
    createServer: (open: (make: (owner: TransportOwner) => Transport) => void) => net.Server,
    secure = false,
  ): Accept =>
  async (t, owner = new TestOwner()) => {
    const opened = Promise.withResolvers<Transport>();
    const server = createServer((make) => opened.resolve(make(owner)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as net.AddressInfo;
    const raw = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const peer = secure ? tls.connect({ socket: raw, rejectUnauthorized: false }) : raw;
    peer.on("error", () => {});
    raw.on("error", () => {});
    const transport = await opened.promise;
    if (peer.connecting) await once(peer, "connect");
    // Within the event of its handshake, Node.js takes a reset for an orderly end.
    if (secure) await sleep(20);
    t.after(() => {
      server.close();
      peer.destroy();
      transport.destroy();
    });
    return { transport, owner, peer, reset: () => raw.resetAndDestroy() };
  };

const kinds: Record<string, Accept> = {
  handle: acceptWith((open) => createAcceptor((accepted) => open((owner) => accepted.open(options, owner)))),
  socket: acceptWith((open) =>
    net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      open((owner) => SocketTransport.accepted(socket, owner)),
    ),
  ),
  secure: acceptWith((open) => {
    const server = tls.createServer({ ...certificate(), allowHalfOpen: true });
    return server.on("secureConnection", (socket) =>
      open((owner) => SocketTransport.accepted(socket, owner)),
    );
  }, true),
};

const connectors: Record<string, (port: number, owner: TransportOwner) => Transport> = {
  handle: (port, owner) => connect({ host: "127.0.0.1", port, ...options }, owner),
  socket: (port, owner) =>
    SocketTransport.connect(
      (onread) => net.connect({ host: "127.0.0.1", port, onread, allowHalfOpen: true }),
      "connect",
      owner,
    ),
};

test("the handles of this version of Node.js are known", () => {
  assert.notEqual(nodeHandles, undefined);
});

test("an address is called by a handle, a name by a socket", async (t) => {
  const server = net.createServer((socket) => socket.resume()).listen(0, "localhost");
  await once(server, "listening");
  t.after(() => server.close());
  const { port, address } = server.address() as net.AddressInfo;
  for (const [host, kind] of [
    [address, HandleTransport],
    ["localhost", SocketTransport],
  ] as const) {
    const owner = new TestOwner();
    const transport = connect({ host, port, ...options }, owner);
    assert.ok(transport instanceof kind);
    await owner.made;
    transport.destroy();
    await owner.close;
  }
});

for (const [kind, accept] of Object.entries(kinds)) {
  test(`${kind}: it reads into the worker's buffer and writes text and bytes in order`, async (t) => {
    const { transport, owner, peer } = await accept(t);
    peer.write("hello");
    await owner.text("hello");
    assert.deepEqual([...owner.buffers], [readBuffer]);
    let taken = 0;
    transport.text("a\u00e9");
    transport.bytes(Buffer.from("bytes"), () => taken++);
    transport.text("z");
    let got = "";
    peer.setEncoding("latin1");
    while (got.length < 8) got += (await once(peer, "data"))[0];
    assert.equal(got, "a\u00e9bytesz");
    assert.equal(transport.written, 8);
    await until(() => taken === 1 && transport.queued === 0);
  });

  test(`${kind}: it knows both addresses`, async (t) => {
    const { transport, peer } = await accept(t);
    assert.deepEqual(transport.remote, { ip: "127.0.0.1", port: peer.localPort });
    assert.deepEqual(transport.local, { ip: "127.0.0.1", port: peer.remotePort });
    assert.equal(transport.secure, kind === "secure");
  });

  test(`${kind}: what the peer does not take is queued, in order, and its drain is told`, async (t) => {
    const { transport, owner, peer } = await accept(t);
    peer.pause();
    const parts = 200;
    let taken = 0;
    for (let i = 0; i < parts; i++) transport.bytes(Buffer.alloc(65_536, i), () => taken++);
    transport.text("end");
    const total = parts * 65_536 + 3;
    assert.equal(transport.written, total);
    assert.ok(transport.queued > 0);
    assert.ok(taken < parts);
    const queuedBefore = transport.queued;
    const seen: number[] = [];
    let length = 0;
    let last = -1;
    peer.on("data", (data: Buffer) => {
      length += data.length;
      for (const byte of data) {
        if (byte !== last) seen.push(byte);
        last = byte;
      }
    });
    peer.resume();
    await owner.drain;
    await until(() => length === total);
    assert.equal(transport.queued, 0);
    assert.ok(queuedBefore > 0);
    assert.equal(taken, parts);
    assert.deepEqual(seen.slice(0, parts), [...Array(parts).keys()]);
  });

  test(`${kind}: paused it reads nothing, not even the end`, async (t) => {
    const { transport, owner, peer } = await accept(t);
    transport.pause();
    peer.end("later");
    await sleep(30);
    assert.equal(owner.received, "");
    assert.deepEqual(owner.events, []);
    transport.resume();
    await owner.text("later");
    await owner.end;
    transport.resume();
    transport.end();
    assert.equal(await owner.close, undefined);
    assert.deepEqual(owner.events, ["ended", "closed"]);
  });

  test(`${kind}: halves end one by one, and both ends close it`, async (t) => {
    const { transport, owner, peer } = await accept(t);
    transport.text("bye");
    transport.end();
    peer.resume();
    await once(peer, "end");
    peer.write("still here");
    await owner.text("still here");
    assert.equal(transport.open, true);
    peer.end();
    await owner.close;
    assert.equal(transport.open, false);
    assert.deepEqual(owner.events, ["ended", "closed"]);
  });

  test(`${kind}: finishing writes what is queued and waits for nobody's end`, async (t) => {
    const { transport, owner, peer } = await accept(t);
    transport.bytes(Buffer.alloc(4 << 20), () => {});
    transport.finish();
    let length = 0;
    peer.on("data", (data) => {
      length += data.length;
    });
    await owner.close;
    await once(peer, "end");
    assert.equal(length, 4 << 20);
  });

  test(`${kind}: a reset is one, whatever is queued`, async (t) => {
    const { transport, owner, peer } = await accept(t);
    peer.resume();
    transport.text("half an answer");
    const failed = once(peer, "error");
    transport.reset();
    await owner.close;
    assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, "ECONNRESET");
  });

  test(`${kind}: a reset closes it, even if an end waits behind what is queued`, async (t) => {
    const { transport, owner, peer } = await accept(t);
    peer.on("error", () => {});
    transport.bytes(Buffer.alloc(16 << 20), () => {});
    transport.end();
    transport.reset();
    peer.resume();
    await owner.close;
    assert.equal(transport.open, false);
  });

  test(`${kind}: the peer's reset closes it, and says why`, async (t) => {
    const { owner, reset, transport } = await accept(t);
    reset();
    assert.equal((await owner.close)?.code, "ECONNRESET");
    assert.equal(transport.open, false);
    assert.deepEqual(owner.events, ["closed"]);
  });

  test(`${kind}: destroyed with a full queue it gives every buffer back, and is silent`, async (t) => {
    const { transport, owner, peer } = await accept(t);
    peer.pause();
    let taken = 0;
    for (let i = 0; i < 100; i++) transport.bytes(Buffer.alloc(1 << 17), () => taken++);
    transport.destroy();
    transport.destroy();
    transport.reset();
    transport.text("nobody");
    transport.bytes(Buffer.from("nobody"), () => taken++);
    transport.pause();
    transport.resume();
    transport.end();
    await owner.close;
    await until(() => taken === 101);
    assert.deepEqual(owner.events, ["closed"]);
  });

  test(`${kind}: writes into what the peer has reset end it`, async (t) => {
    const { transport, owner, peer, reset } = await accept(t);
    transport.pause();
    reset();
    await once(peer, "close");
    for (let i = 0; transport.open && i < 100; i++) {
      transport.text("x".repeat(1000));
      await sleep(1);
    }
    assert.match((await owner.close)?.code ?? "none", /^(EPIPE|ECONNRESET)$/);
  });

  test(`${kind}: a bug in its owner breaks the connection, and no more`, async (t) => {
    const owner = new TestOwner();
    owner.ended = () => {
      throw new Error("a bug");
    };
    const { transport, peer } = await accept(t, owner);
    const broke = Promise.withResolvers<void>();
    owner.broke = () => broke.resolve();
    peer.end();
    await broke.promise;
    transport.destroy();
    await owner.close;
  });
}

for (const [kind, open] of Object.entries(connectors)) {
  test(`${kind}: a connection is made, carries both ways and ends`, async (t) => {
    const server = net.createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const owner = new TestOwner();
    const transport = open((server.address() as net.AddressInfo).port, owner);
    await owner.made;
    transport.text("echo");
    await owner.text("echo");
    transport.end();
    await owner.close;
    assert.deepEqual(owner.events, ["connected", "ended", "closed"]);
  });

  test(`${kind}: a refused connection closes with the reason, and was never made`, async () => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as net.AddressInfo;
    server.close();
    await once(server, "close");
    const owner = new TestOwner();
    open(port, owner);
    const cause = await owner.close;
    assert.equal(cause?.code, "ECONNREFUSED");
    assert.equal(cause?.syscall, "connect");
    assert.deepEqual(owner.events, ["closed"]);
  });

  test(`${kind}: given up while it is made, it closes without a word`, async (t) => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const owner = new TestOwner();
    const transport = open((server.address() as net.AddressInfo).port, owner);
    transport.destroy();
    assert.equal(await owner.close, undefined);
    assert.deepEqual(owner.events, ["closed"]);
  });
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; !holds() && i < 500; i++) await sleep(10);
  assert.ok(holds());
}
