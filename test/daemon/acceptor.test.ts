/** How connections are accepted: one socket for each, by way of Node's handles where they are as they were. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { AcceptedOptions } from "../../daemon/data/server/accepted-options.ts";
import { type Accepted, createAcceptor, inheritNoDelay } from "../../daemon/data/server/acceptor.ts";
import { HandleTransport } from "../../daemon/data/transport/handle-transport.ts";
import { SocketTransport } from "../../daemon/data/transport/socket-transport.ts";
import { TestOwner } from "./test-owner.ts";

/** What Node.js keeps a server's handle in. */
interface WithHandle {
  _handle: object | null;
}

/** A listening acceptor; `accepted` resolves with its next connection, and `caller` has made it. */
async function listen(t: TestContext, server: net.Server, accepts: (take: (a: Accepted) => void) => void) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const next = Promise.withResolvers<Accepted>();
  accepts(next.resolve);
  const caller = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  t.after(() => caller.destroy());
  return { caller, accepted: await next.promise };
}

async function accept(t: TestContext, prepare: (server: net.Server) => void = () => {}) {
  let take = (_: Accepted): void => {};
  const server = createAcceptor((accepted) => take(accepted));
  prepare(server);
  return listen(t, server, (then) => {
    take = then;
  });
}

// As if this version of Node.js kept its handles elsewhere.
function hideHandle(server: net.Server): void {
  const holder = server as unknown as WithHandle;
  let kept: object | null = null;
  server.prependListener("listening", () => {
    kept = holder._handle;
    holder._handle = null;
  });
  server.on("listening", () => {
    holder._handle = kept;
  });
}

const options = { noDelay: true, keepAlive: false };

/** A transport of a connection, and its first read. */
function opened(accepted: Accepted) {
  const owner = new TestOwner();
  return { owner, transport: accepted.open(options, owner) };
}

test("this version of Node.js gives its handles, and a connection is a transport on its handle", async (t) => {
  const { caller, accepted } = await accept(t);
  const { owner, transport } = opened(accepted);
  assert.ok(transport instanceof HandleTransport);
  caller.write("hello");
  await owner.text("hello");
  caller.end();
  await owner.end;
  const answer = once(caller, "data");
  transport.text("bye");
  assert.equal(String((await answer)[0]), "bye");
  transport.end();
  await owner.close;
});

test("without handles a connection is a transport on a socket", async (t) => {
  const { caller, accepted } = await accept(t, hideHandle);
  const { owner, transport } = opened(accepted);
  assert.ok(transport instanceof SocketTransport);
  caller.write("hello");
  await owner.text("hello");
  const answer = once(caller, "data");
  transport.text("bye");
  assert.equal(String((await answer)[0]), "bye");
  transport.destroy();
  await owner.close;
});

for (const [how, prepare] of [
  ["by its handle", () => {}],
  ["in the public way", hideHandle],
] as const) {
  test(`a connection accepted ${how} waits unread for who wraps its socket`, async (t) => {
    const { caller, accepted } = await accept(t, prepare);
    const socket = accepted.socket(options);
    caller.write("hello");
    assert.equal(socket.bytesRead, 0);
    socket.resume();
    assert.equal(String((await once(socket, "data"))[0]), "hello");
    socket.destroy();
  });

  test(`a connection accepted ${how} that is not wanted ends`, async (t) => {
    const { caller, accepted } = await accept(t, prepare);
    caller.resume();
    accepted.destroy();
    await once(caller, "close");
  });
}

test("a bug in what accepts ends that connection alone", async (t) => {
  const server = createAcceptor(() => {
    throw new Error("a bug");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  for (let i = 0; i < 2; i++) {
    const caller = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
    caller.resume();
    await once(caller, "close");
  }
});

/** `getsockopt(TCP_NODELAY)`, by Node's foreign functions where it has them. */
async function readNoDelay(): Promise<((fd: number) => boolean) | undefined> {
  const name = "node:ffi";
  const ffi = await import(name).catch(() => undefined);
  if (ffi === undefined || process.platform !== "linux") return undefined;
  const { functions } = ffi.dlopen(null, {
    getsockopt: { arguments: ["i32", "i32", "i32", "pointer", "pointer"], return: "i32" },
  });
  return (fd) => {
    const value = Buffer.alloc(4);
    const length = Buffer.from([4, 0, 0, 0]);
    assert.equal(functions.getsockopt(fd, 6, 1, ffi.getRawPointer(value), ffi.getRawPointer(length)), 0);
    return value.readInt32LE() !== 0;
  };
}

test("a connection has the TCP_NODELAY of the socket that listens, where it can be asked for", async (t) => {
  const read = await readNoDelay();
  if (read === undefined) return t.skip("no foreign functions in this version of Node.js");
  for (const on of [true, false]) {
    let take = (_: Accepted): void => {};
    const server = createAcceptor((accepted) => take(accepted));
    server.once("listening", () => assert.ok(inheritNoDelay(server, on)));
    const { accepted } = await listen(t, server, (then) => {
      take = then;
    });
    const socket = accepted.socket({ noDelay: false });
    assert.equal(read((socket as unknown as { _handle: { fd: number } })._handle.fd), on);
    socket.destroy();
  }
});

test("connections that may have waited for longer are told TCP_NODELAY, and those behind them inherit it", async (t) => {
  const server = createAcceptor(() => {}).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const accepted = new AcceptedOptions(server, 2);
  const told = (): boolean[] => Array.from({ length: 4 }, () => accepted.next().noDelay);
  accepted.set({ noDelay: true, keepAlive: true });
  const inherits = inheritNoDelay(server, true);
  assert.deepEqual(told(), inherits ? [true, true, false, false] : [true, true, true, true]);
  // A reload that changes nothing, and one that does.
  accepted.set({ noDelay: true, keepAlive: false });
  assert.deepEqual(accepted.next(), { noDelay: !inherits, keepAlive: false });
  accepted.set({ noDelay: false });
  assert.deepEqual(told(), [false, false, false, false]);
});
