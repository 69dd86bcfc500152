/** Retries and requeues through the whole proxy: how much load they make, and which requests may be sent again. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { tempDir } from "../kit/temp-dir.ts";
import { caller, endpoint, ok, proxy } from "./data-rig.ts";
import { until } from "./rig.ts";

/** A request as an origin saw it. */
interface Seen {
  readonly method: string;
  readonly body: string;
}

/** An HTTP server that notes whole requests and answers them. */
async function origin(
  t: TestContext,
  answer: (response: ServerResponse, n: number, request: IncomingMessage) => void,
): Promise<{ readonly port: number; readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (incoming, response) => {
    try {
      seen.push({ method: incoming.method!, body: await text(incoming) });
    } catch {
      return; // broken off
    }
    answer(response, seen.length, incoming);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

const status =
  (code: number, headers = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(code, headers).end();

/** Sends one request; a body is streamed in parts without a length. */
async function send(
  port: number,
  method: string,
  parts: readonly string[] = [],
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  const out = request({ host: "127.0.0.1", port, method, headers: { host: "web", ...headers } });
  out.flushHeaders();
  for (const part of parts) {
    out.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  out.end();
  const [response] = (await once(out, "response")) as [IncomingMessage];
  return { status: response.statusCode!, body: await text(response) };
}

const noAccrual = "failureAccrual: { kind: none }";
const toPorts = (...ports: number[]): string =>
  `/svc => ${ports.map((port) => `1 * /$/inet/127.0.0.1/${port}`).join(" & ")}`;

async function metricsOf(get: (path: string) => Promise<Response>): Promise<(end: string) => number> {
  const all = (await (await get("/admin/metrics.json")).json()) as Record<string, number>;
  return (end) =>
    Object.entries(all)
      .filter(([name]) => name.endsWith(end))
      .reduce((sum, [, value]) => sum + value, 0);
}

test("when every answer fails, endpoints get no more than 1 + percentCanRetry times the requests", async (t) => {
  const { port: to, seen } = await origin(t, status(500));
  const { port, get } = await proxy(t, {
    dtab: toPorts(to),
    rest: `  client: { ${noAccrual} }
  service:
    responseClassifier: { kind: io.l5d.http.retryableRead5XX }
    retries: { budget: { minRetriesPerSec: 0, percentCanRetry: 0.2, ttlSecs: 60 } }`,
  });
  for (let n = 0; n < 500; n++) assert.equal((await send(port, "GET")).status, 500);
  assert.equal(seen.length, 600);
  const metric = await metricsOf(get);
  assert.equal(metric("/service/svc/web/retries/total"), 100);
  assert.ok(metric("/service/svc/web/retries/budget_exhausted") > 0);
  assert.equal(metric("/retries/requeues"), 0, "requeues are another matter");
});

test("when every request is refused, requeues are not paid for by failures, and retries stay within their budget", async (t) => {
  const { port: to, seen } = await origin(t, status(503, { "retry-after": "0" }));
  const { port } = await proxy(t, {
    dtab: toPorts(to),
    rest: `  client: { ${noAccrual}, requeueBudget: { minRetriesPerSec: 0, percentCanRetry: 0.5, ttlSecs: 60 } }
  service:
    responseClassifier: { kind: io.l5d.http.retryableAll5XX }
    retries: { budget: { minRetriesPerSec: 0, percentCanRetry: 0.2, ttlSecs: 60 } }`,
  });
  for (let n = 0; n < 200; n++) assert.equal((await send(port, "POST")).status, 502);
  assert.ok(seen.length <= 240, `${seen.length} requests reached the endpoint`);
});

test("an answer that is thrown away for a retry leaves its connection in use, unless there is too much of it", async (t) => {
  for (const [bytes, connections] of [
    [0, 1],
    [1000, 2],
    [1_000_000, 6],
  ] as const) {
    const sockets = new Set<unknown>();
    const { port: to, seen } = await origin(t, (response, n, { socket }) => {
      sockets.add(socket);
      const length = n % 2 === 1 ? bytes : 0;
      response.writeHead(n % 2 === 1 ? 500 : 200, { "content-length": length }).end("x".repeat(length));
    });
    const { port } = await proxy(t, {
      dtab: toPorts(to),
      rest: `  client: { ${noAccrual} }\n  service: { responseClassifier: { kind: io.l5d.http.retryableRead5XX } }`,
    });
    for (let n = 0; n < 5; n++) assert.equal((await send(port, "GET")).status, 200);
    assert.equal(seen.length, 10);
    if (bytes < 65_536)
      assert.ok(sockets.size <= connections, `${sockets.size} connections for ${bytes} bytes`);
    else assert.ok(sockets.size >= connections, `${sockets.size} connections for ${bytes} bytes`);
  }
});

test("the reserve allows so many retries a second and no more", async (t) => {
  const { port: to, seen } = await origin(t, status(500));
  const { port } = await proxy(t, {
    dtab: toPorts(to),
    rest: `  client: { ${noAccrual} }
  service:
    responseClassifier: { kind: io.l5d.http.retryableRead5XX }
    retries: { budget: { minRetriesPerSec: 1, percentCanRetry: 0, ttlSecs: 20 } }`,
  });
  for (let n = 0; n < 50; n++) await send(port, "GET");
  assert.equal(seen.length, 70);
});

const replaying = (classifier: string, requestBytes: string): string => `  client: { ${noAccrual} }
  service:
    responseClassifier: { kind: io.l5d.http.${classifier} }
    ${requestBytes}`;
const parts = Array.from({ length: 16 }, (_, n) => String.fromCharCode(97 + n).repeat(1000));

test("a streamed body within retryBufferSize is sent again whole", async (t) => {
  const { port: to, seen } = await origin(t, (response, n) => status(n < 3 ? 503 : 200)(response));
  const { port } = await proxy(t, {
    dtab: toPorts(to),
    rest: replaying("retryableIdempotent5XX", "retryBufferSize: { requestBytes: 16000 }"),
  });
  assert.equal((await send(port, "PUT", parts)).status, 200);
  assert.deepEqual(
    seen.map(({ body }) => body === parts.join("")),
    [true, true, true],
  );
});

test("a body beyond retryBufferSize is not sent again, and arrives unharmed", async (t) => {
  const { port: to, seen } = await origin(t, status(503));
  const { port } = await proxy(t, {
    dtab: toPorts(to),
    rest: replaying("retryableIdempotent5XX", "retryBufferSize: { requestBytes: 15999 }"),
  });
  assert.equal((await send(port, "PUT", parts)).status, 503);
  assert.deepEqual(seen, [{ method: "PUT", body: parts.join("") }]);
});

test("without retryBufferSize no streamed body is sent again, as in Linkerd 1", async (t) => {
  const { port: to, seen } = await origin(t, status(503));
  const { port } = await proxy(t, { dtab: toPorts(to), rest: replaying("retryableIdempotent5XX", "") });
  assert.equal((await send(port, "PUT", parts.slice(0, 1))).status, 503);
  assert.equal(seen.length, 1);
});

test("an answer before the body's end: what came of it is sent again, and the rest follows as it comes", async (t) => {
  const received: string[] = [];
  const to = await endpoint(t, (socket) => {
    const at = received.push("") - 1;
    socket.on("data", (data) => {
      received[at] += data.toString("latin1");
      if (at === 0) socket.write("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
      else if (received[at]!.endsWith("0\r\n\r\n")) socket.write(ok("fine"));
    });
  });
  const { port } = await proxy(t, {
    dtab: toPorts(to.port),
    rest: replaying("retryableIdempotent5XX", "retryBufferSize: { requestBytes: 16000 }"),
  });
  const one = caller(t, port);
  one.write("PUT / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  await until(() => received[1]?.endsWith("5\r\nhello\r\n") === true);
  one.write("5\r\nworld\r\n0\r\n\r\n");
  await one.until((got) => got.endsWith("fine"));
  assert.ok(received[1]!.endsWith("\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n"));
});

test("a request that may have been processed is not sent again unless its method or the classifier allows it", async (t) => {
  for (const [method, classifier, times] of [
    ["POST", "retryableIdempotent5XX", 1],
    ["POST", "nonRetryable5XX", 1],
    ["PUT", "retryableRead5XX", 1],
    ["PUT", "retryableIdempotent5XX", 2],
    ["POST", "retryableAll5XX", 2],
  ] as const) {
    const { port: to, seen } = await origin(t, (response, n, { socket }) =>
      n === 1 ? void socket.destroy() : status(200)(response),
    );
    const { port } = await proxy(t, {
      dtab: toPorts(to),
      rest: replaying(classifier, "retryBufferSize: { requestBytes: 100 }"),
    });
    const answer = await send(port, method, ["body"]);
    assert.equal(answer.status, times === 1 ? 502 : 200, `${method} ${classifier}`);
    assert.deepEqual(
      seen.map(({ body }) => body),
      Array(times).fill("body"),
      `${method} ${classifier}`,
    );
  }
});

test("a caller that breaks its request off or sends nonsense does not count against the endpoint", async (t) => {
  const { port: to } = await origin(t, status(200));
  const { port, get } = await proxy(t, {
    dtab: toPorts(to),
    rest: "  client: { failureAccrual: { kind: io.l5d.consecutiveFailures, failures: 1 } }",
    server: "    requestBodyTimeoutMs: 300",
  });
  const nonsense = caller(t, port);
  nonsense.write(
    "POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n",
  );
  await nonsense.until((got) => got.startsWith("HTTP/1.1 400"));
  const silent = caller(t, port);
  silent.write("POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  await silent.until((got) => got.startsWith("HTTP/1.1 408"));
  assert.equal((await send(port, "GET")).status, 200);
  const metric = await metricsOf(get);
  assert.equal(metric("failure_accrual/removals"), 0);
});

const deadlineIn = (ms: number): string => {
  const now = BigInt(Date.now()) * 1_000_000n;
  return `${now} ${now + BigInt(ms) * 1_000_000n}`;
};

test("with enforceDeadline a request ends at the caller's deadline, which is not the endpoint's fault", async (t) => {
  const hanging = await origin(t, () => {});
  const { port, get } = await proxy(t, {
    dtab: toPorts(hanging.port),
    server: "    enforceDeadline: true",
    rest: "  client: { failureAccrual: { kind: io.l5d.consecutiveFailures, failures: 1 } }",
  });
  const past = await send(port, "GET", [], { "l5d-ctx-deadline": deadlineIn(-1) });
  assert.equal(past.status, 503);
  assert.match(past.body, /E_DEADLINE/);
  assert.match(past.body, /enforceDeadline/);
  assert.equal(hanging.seen.length, 0, "the endpoint was not asked");
  const soon = await send(port, "GET", [], { "l5d-ctx-deadline": deadlineIn(1500) });
  assert.equal(soon.status, 503);
  assert.match(soon.body, /the caller's deadline has passed/);
  assert.equal(hanging.seen.length, 1);
  const metric = await metricsOf(get);
  assert.equal(metric("failure_accrual/removals"), 0);
  assert.equal(metric(`/server/127.0.0.1/${port}/failures/E_DEADLINE`), 2);
});

test("without enforceDeadline a deadline is passed on and nothing more", async (t) => {
  const seen: unknown[] = [];
  const answered = await origin(t, (response, _, { headers }) => {
    seen.push(headers["l5d-ctx-deadline"]);
    status(200)(response);
  });
  const { port } = await proxy(t, { dtab: toPorts(answered.port) });
  const deadline = deadlineIn(-1000);
  assert.equal((await send(port, "GET", [], { "l5d-ctx-deadline": deadline })).status, 200);
  assert.deepEqual(seen, [deadline]);
});

test("a requeue hides an endpoint that is gone, and is no retry", async (t) => {
  const gone = await endpoint(t, () => {});
  gone.close();
  await until(() => !gone.server.listening);
  const { port: to } = await origin(t, status(200));
  using dir = tempDir();
  dir.write("web", `127.0.0.1 ${gone.port}\n127.0.0.1 ${to}\n`);
  const { port, get } = await proxy(t, {
    dtab: "/svc => /#/io.l5d.fs",
    top: `namers: [{ kind: io.l5d.fs, rootDir: ${dir.path} }]`,
    rest: `  client: { ${noAccrual} }`,
  });
  for (let n = 0; n < 30; n++) assert.equal((await send(port, "POST")).status, 200);
  const metric = await metricsOf(get);
  assert.ok(metric("/client/#/io.l5d.fs/web/retries/requeues") > 0);
  assert.equal(metric("/service/svc/web/retries/total"), 0);
});
