/** What becomes of a connection after its last answer. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { answering, ok, proxy } from "./data-rig.ts";

/** A caller that keeps its side open until it is told, with what it has read when the other side has ended. */
async function lastAnswer(t: TestContext, request: string) {
  const { port: endpoint } = await answering(t, () => ok("hello"));
  const { port } = await proxy(t, { dtab: `/svc => /$/inet/127.1/${endpoint}` });
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  const closed = new Promise<boolean>((resolve) => socket.on("close", resolve));
  let text = "";
  socket.on("data", (data) => {
    text += data;
  });
  socket.write(request);
  await once(socket, "end");
  return { socket, text, closed };
}

test("a caller that asked for the end of its connection is not waited for", async (t) => {
  const request = "GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n";
  const { socket, text, closed } = await lastAnswer(t, request);
  assert.match(text, /hello$/);
  // Nobody reads any more: what is written now comes back as a reset.
  const writes = setInterval(() => socket.write("more"), 5);
  t.after(() => clearInterval(writes));
  assert.equal(await closed, true);
});

test("a caller that sends more behind its last request is read until it ends, so that no reset eats its answer", async (t) => {
  const request =
    "GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\nGET /more HTTP/1.1\r\nhost: web\r\n\r\n";
  const { socket, text, closed } = await lastAnswer(t, request);
  assert.equal(text.match(/hello/g)?.length, 1);
  socket.write("and more");
  socket.end();
  assert.equal(await closed, false);
});
