/** Sockets that are held without being accepted from, and shared; the test that tells when Node.js changes inside. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { InheritedSockets } from "../../daemon/control/sockets/inherited-sockets.ts";
import { ListeningSocket } from "../../daemon/control/sockets/listening-socket.ts";
import { type SocketHandles, socketHandles } from "../../daemon/control/sockets/socket-handles.ts";
import { nodeBinding } from "../kit/node-binding.ts";
import { memoryLog } from "./kit.ts";

const handles = (await socketHandles(nodeBinding)) as SocketHandles;

test("this Node.js has the internals that sharing stands on", () => {
  assert.notEqual(handles, undefined);
});

test("a Node.js without them, or with others, shares nothing", async () => {
  assert.equal(await socketHandles(undefined), undefined);
  const gone = (): never => {
    throw new Error("No such binding");
  };
  assert.equal(await socketHandles(gone), undefined);
  assert.equal(await socketHandles(() => ({ constants: {} })), undefined);
  const mute = (name: string): unknown =>
    name === "stream_wrap" ? { WriteWrap: undefined } : nodeBinding(name);
  assert.equal(await socketHandles(mute), undefined);
});

test("a share is another descriptor of the same socket", async (t) => {
  const socket = ListeningSocket.bind(handles, "127.0.0.1", 0, false);
  t.after(() => socket.close());
  const shares = await Promise.all([socket.share(), socket.share()]);
  const inodes = [socket.fd, ...shares].map((fd) => readlinkSync(`/proc/self/fd/${fd}`));
  assert.equal(new Set([socket.fd, ...shares]).size, 3);
  assert.equal(new Set(inodes).size, 1);
});

test("who waits to be accepted outlives the listener, and is served by the next one", async (t) => {
  const socket = ListeningSocket.bind(handles, "127.0.0.1", 0, false);
  t.after(() => socket.close());
  const first = createServer().listen({ fd: await socket.share() });
  await once(first, "listening");
  first.close();
  await once(first, "close");
  const caller = connect(socket.port, "127.0.0.1");
  await once(caller, "connect");
  caller.write("there?");
  const second = createServer((accepted: Socket) => accepted.pipe(accepted));
  second.listen({ fd: await socket.share() });
  assert.equal(String((await once(caller, "data"))[0]), "there?");
  caller.destroy();
  second.close();
});

test("a port that somebody has is in use, and one that is shared on purpose is not", async (t) => {
  const held = createServer().listen({ port: 0, host: "127.0.0.1", reusePort: true });
  await once(held, "listening");
  t.after(() => held.close());
  const { port } = held.address() as { port: number };
  assert.throws(() => ListeningSocket.bind(handles, "127.0.0.1", port, false), { code: "EADDRINUSE" });
  ListeningSocket.bind(handles, "127.0.0.1", port, true).close();
  assert.throws(() => ListeningSocket.bind(handles, "192.0.2.1", 0, false), { code: "EADDRNOTAVAIL" });
});

test("what has been closed cannot be shared", async () => {
  const socket = ListeningSocket.bind(handles, "127.0.0.1", 0, false);
  socket.close();
  await assert.rejects(socket.share(), /has been closed/);
});

const passed = async (...ips: string[]) => {
  const fds: number[] = [];
  const ports: number[] = [];
  for (const ip of ips) {
    const socket = ListeningSocket.bind(handles, ip, 0, false);
    fds.push(await socket.share());
    ports.push(socket.port);
    socket.close();
  }
  const log = memoryLog();
  const inherited = await InheritedSockets.open(
    handles,
    fds.map((fd) => ({ fd })),
    log,
  );
  return { inherited, ports, log };
};

test("a socket goes to its address; port 0 takes what no other wants; the rest is told", async () => {
  const { inherited, ports, log } = await passed("127.0.0.1", "127.0.0.1", "127.0.0.2");
  const admin = { ip: "127.0.0.1", port: ports[0]! };
  const any = inherited.take({ ip: "127.0.0.1", port: 0 }, [admin, { ip: "127.0.0.1", port: 0 }]);
  assert.equal(any?.port, ports[1]);
  assert.equal(inherited.take({ ip: "127.0.0.3", port: ports[0]! }), undefined);
  assert.equal(inherited.take({ ip: "127.0.0.1", port: 0 }, [admin]), undefined);
  const own = inherited.take(admin);
  assert.equal(own?.port, ports[0]);
  inherited.end();
  assert.deepEqual(
    log.lines.map(({ level, fields }) => [level, fields?.["ip"], fields?.["port"]]),
    [["warn", "127.0.0.2", ports[2]]],
  );
  for (const socket of [any, own]) socket?.close();
});

test("an IPv6 address is the same however the file writes it", async (t) => {
  const { inherited, ports } = await passed("::1").catch(() => ({ inherited: undefined, ports: [] }));
  if (inherited === undefined) return t.skip("there is no IPv6");
  const taken = inherited.take({ ip: "0:0:0:0:0:0:0:1", port: ports[0]! });
  assert.equal(taken?.ip, "::1");
  taken?.close();
});

test("without a way to share, sockets that are passed fail the start in words", async () => {
  await assert.rejects(InheritedSockets.open(undefined, [{ fd: 3 }], memoryLog()), /no way to share/);
});
