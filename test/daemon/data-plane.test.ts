/** The data plane as a whole, over real sockets and workers: what a request meets between its caller and its endpoint. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { eventually } from "../kit/eventually.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { answering, caller, count, endpoint, get, ok, proxy } from "./data-rig.ts";
import { until } from "./rig.ts";

const toPort = (port: number): string => `/svc/* => /$/inet/127.0.0.1/${port}`;
const noAccrual = "  client: { failureAccrual: { kind: none } }";

test("a slow caller holds an endless answer back instead of filling memory", async (t) => {
  let sent = 0;
  const chunk = Buffer.alloc(65_536, "x");
  const origin = await endpoint(t, (socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const more = (): void => {
        while (socket.writable && socket.write(chunk)) sent += chunk.length;
        sent += chunk.length;
      };
      socket.on("drain", more);
      more();
    });
  });
  const { port } = await proxy(t, { dtab: toPort(origin.port) });
  const slow = caller(t, port);
  slow.write(get("/"));
  await slow.until((text) => text.length > 0);
  slow.socket.pause();
  let last = -1;
  await until(async () => {
    const stalled = sent === last;
    last = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return stalled;
  });
  // What the kernel's buffers on four sockets hold, and little more.
  assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes went out to a caller that reads nothing`);
  slow.socket.resume();
  const before = slow.text.length;
  await slow.until((text) => text.length > before + 1_000_000);
});

test("an endpoint that takes nothing of a request is given up after the client's writeTimeoutMs", async (t) => {
  const origin = await endpoint(t, (socket) => void socket.pause());
  const { port } = await proxy(t, {
    dtab: toPort(origin.port),
    rest: "  client: { failureAccrual: { kind: none }, socketOptions: { writeTimeoutMs: 300 } }",
  });
  const fast = caller(t, port);
  fast.write("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 1000000000\r\n\r\n");
  const chunk = Buffer.alloc(65_536, "x");
  const more = (): void => {
    while (fast.socket.writable && fast.socket.write(chunk));
  };
  fast.socket.on("drain", more);
  more();
  await fast.until((text) => text.startsWith("HTTP/1.1 504") && text.includes("took nothing for 300 ms"));
});

test("a slow endpoint holds an endless request back", async (t) => {
  const origin = await endpoint(t, (socket) => void socket.pause());
  const { port } = await proxy(t, { dtab: toPort(origin.port) });
  const fast = caller(t, port);
  fast.write("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 1000000000\r\n\r\n");
  let sent = 0;
  const chunk = Buffer.alloc(65_536, "x");
  const more = (): void => {
    do sent += chunk.length;
    while (fast.socket.write(chunk));
  };
  fast.socket.on("drain", more);
  more();
  let last = -1;
  await until(async () => {
    const stalled = sent === last;
    last = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return stalled;
  });
  assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes were taken for an endpoint that reads nothing`);
});

test("a body of 1 MB passes unchanged both ways", async (t) => {
  const body = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
  const origin = await endpoint(t, (socket) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    let head = -1;
    socket.on("data", (data: Buffer) => {
      parts.push(data);
      bytes += data.length;
      if (head === -1) {
        const end = Buffer.concat(parts).indexOf("\r\n\r\n");
        if (end !== -1) head = end + 4;
      }
      if (head === -1 || bytes < head + body.length) return;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`);
      socket.write(Buffer.concat(parts).subarray(head));
    });
  });
  const { port } = await proxy(t, { dtab: toPort(origin.port) });
  const one = caller(t, port);
  one.write(`POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${body.length}\r\n\r\n`);
  one.socket.write(body);
  const text = await one.until((got) => got.length > body.length && got.includes("\r\n\r\n"));
  const start = text.indexOf("\r\n\r\n") + 4;
  await one.until((got) => got.length >= start + body.length);
  assert.ok(Buffer.from(one.text.slice(start), "latin1").equals(body));
});

test("pipelined requests are answered in their order, whatever the endpoint's speed", async (t) => {
  const origin = await answering(t, (head, socket) => {
    const path = head.split(" ")[1]!;
    if (path !== "/0") return ok(path);
    setTimeout(() => socket.write(ok(path)), 50);
    return undefined;
  });
  const { port } = await proxy(t, { dtab: toPort(origin.port) });
  const one = caller(t, port);
  const paths = Array.from({ length: 50 }, (_, i) => `/${i}`);
  one.write(paths.map((path) => get(path)).join(""));
  const text = await one.until((got) => got.endsWith("/49"));
  assert.deepEqual(
    text.match(/\r\n\r\n\/\d+/g)?.map((found) => found.trim()),
    paths,
  );
});

test("a body that waits for 100-continue goes out when the endpoint asks for it", async (t) => {
  let asked = 0;
  const origin = await endpoint(t, (socket) => {
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (asked === 0 && text.includes("\r\n\r\n")) {
        asked = text.length;
        socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      }
      if (text.endsWith("hello")) socket.write(ok("got it"));
    });
  });
  const { port } = await proxy(t, { dtab: toPort(origin.port) });
  const one = caller(t, port);
  one.write("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  await one.until((text) => text.startsWith("HTTP/1.1 100 Continue\r\n"));
  one.write("hello");
  await one.until((text) => text.endsWith("got it"));
});

test("an accepted upgrade is a tunnel, and what came early goes through it", async (t) => {
  const origin = await endpoint(t, (socket) => {
    let text = "";
    let tunnel = false;
    socket.on("data", (data) => {
      text += data.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (!tunnel && end !== -1) {
        tunnel = true;
        socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
        text = text.slice(end + 4);
      }
      if (!tunnel || text === "") return;
      socket.write(`echo:${text}`);
      text = "";
    });
  });
  const { port } = await proxy(t, { dtab: toPort(origin.port) });
  const one = caller(t, port);
  one.write(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + "early");
  await one.until((text) => text.includes("echo:early"));
  one.write("later");
  await one.until((text) => text.endsWith("echo:later"));
});

test("a drain cuts nothing that is in flight, and nothing new is taken", async (t) => {
  let release: () => void = () => {};
  const origin = await answering(t, (_, socket) => {
    release = () => socket.write("2\r\nno\r\n2\r\nw!\r\n0\r\n\r\n");
    return "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  });
  const { port, daemon } = await proxy(t, { dtab: toPort(origin.port) });
  const busy = caller(t, port);
  const idle = caller(t, port);
  busy.write(get("/"));
  await busy.until((text) => text.includes("\r\n\r\n"));
  const closing = daemon.close();
  await idle.end();
  release();
  const text = await busy.end();
  assert.ok(text.endsWith("0\r\n\r\n") && text.includes("w!"), text);
  await closing;
});

test("a drain serves one more request of a connection between requests, and says that it is the last", async (t) => {
  const origin = await answering(t, () => ok("fine"));
  const { port, daemon } = await proxy(t, { dtab: toPort(origin.port) });
  const kept = caller(t, port);
  const silent = caller(t, port);
  for (const one of [kept, silent]) {
    one.write(get("/"));
    await one.until((text) => text.endsWith("fine"));
  }
  const begun = performance.now();
  const closing = daemon.close();
  const tried = (): Promise<unknown> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve("connected"));
      socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    });
  await eventually(async () => assert.equal(await tried(), "ECONNREFUSED"));
  kept.write(get("/"));
  const text = await kept.end();
  assert.match(text, /fine.*connection: close\r\n.*fine$/is);
  assert.ok(performance.now() - begun < 450, "it ends with its answer");
  const before = await silent.end();
  assert.doesNotMatch(before, /connection: close/i);
  assert.ok(performance.now() - begun >= 450, "who asks nothing is let go later");
  await closing;
});

test("a request whose head is on its way when a drain ends idle connections is served", async (t) => {
  const origin = await answering(t, () => ok("fine"));
  const { port, daemon } = await proxy(t, { dtab: toPort(origin.port) });
  const one = caller(t, port);
  one.write("GET / HTTP/1.1\r\nHo");
  const late = caller(t, port);
  late.write(get("/"));
  await late.until((text) => text.endsWith("fine"));
  const closing = daemon.close();
  await late.end();
  await new Promise((resolve) => setTimeout(resolve, 600));
  one.write("st: web\r\n\r\n");
  assert.match(await one.end(), /^HTTP\/1.1 200 .*fine$/s);
  await closing;
});

/** An identifier with a bug: it throws where it is asked, or later, where nobody can catch it. */
const buggy = `export default {
  slot: "identifier", kind: "test.buggy", schema: { type: "object", properties: {} },
  create: () => ({ identify(request) {
    if (request.target === "/throw") null.bug;
    if (request.target === "/die") setImmediate(() => null.bug);
    return { show: () => "/svc/web" };
  } }),
};`;

test("a bug fails the request that meets it, and no other", async (t) => {
  using dir = tempDir();
  dir.write("buggy.mjs", buggy);
  const origin = await answering(t, () => ok("fine"));
  const { port, log } = await proxy(t, {
    dtab: toPort(origin.port),
    rest: "  identifier: { kind: test.buggy }",
    top: `plugins: [${dir.path}/buggy.mjs]`,
  });
  const one = caller(t, port);
  one.write(get("/throw"));
  await one.until((text) => text.startsWith("HTTP/1.1 400") || text.startsWith("HTTP/1.1 500"));
  one.write(get("/"));
  await one.until((text) => text.endsWith("fine"));
  assert.deepEqual(
    log.filter(({ message }) => String(message).includes("died")),
    [],
  );
});

test("a worker that dies is replaced at once", async (t) => {
  using dir = tempDir();
  dir.write("buggy.mjs", buggy);
  const origin = await answering(t, () => ok("fine"));
  const { port, log } = await proxy(t, {
    dtab: toPort(origin.port),
    rest: "  identifier: { kind: test.buggy }",
    top: `plugins: [${dir.path}/buggy.mjs]`,
  });
  const fatal = caller(t, port);
  fatal.write(get("/die"));
  await fatal.end();
  await until(() => log.some(({ message }) => message === "a worker was started again"));
  const after = caller(t, port);
  after.write(get("/"));
  await after.until((text) => text.endsWith("fine"));
  // One death, and the shortest of all waits: what the start itself takes is the machine's.
  const deaths = log.filter(({ message }) => message === "a worker died and is started again");
  assert.deepEqual(
    deaths.map(({ waitMs }) => waitMs),
    [50],
  );
});

test("endpoints come and go under load without a failed request", async (t) => {
  using dir = tempDir();
  const origins = await Promise.all([1, 2, 3].map(() => answering(t, () => ok("fine"))));
  const lines = (which: readonly number[]): string =>
    which.map((at) => `127.0.0.1 ${origins[at]!.port}\n`).join("");
  dir.write("disco/web", lines([0, 1]));
  const { port } = await proxy(t, {
    dtab: "/svc => /#/io.l5d.fs",
    top: `namers: [{ kind: io.l5d.fs, rootDir: ${dir.path}/disco }]`,
  });
  let stop = false;
  let served = 0;
  const failures: string[] = [];
  const load = async (): Promise<void> => {
    const one = caller(t, port);
    while (!stop) {
      one.text = "";
      one.write(get("/"));
      const text = await one.until((got) => got.endsWith("fine") || got.includes("l5d-err"));
      if (!text.startsWith("HTTP/1.1 200")) failures.push(text);
      served++;
    }
  };
  const loads = Promise.all(Array.from({ length: 8 }, load));
  const rounds = [[1, 2], [2], [0, 2], [0], [0, 1, 2], [1]];
  for (const [at, round] of rounds.entries()) {
    dir.replace("disco/web", lines(round));
    const from = served;
    await until(() => served > from + 100 * (at + 1));
  }
  stop = true;
  await loads;
  assert.deepEqual(failures, []);
});

// An endpoint whose first connection dies, unannounced, when its second request has come.
const dying = (t: Parameters<typeof endpoint>[0]) => {
  const seen: string[] = [];
  let connections = 0;
  return endpoint(t, (socket) => {
    const first = ++connections === 1;
    let requests = 0;
    socket.on("data", (data) => {
      seen.push(data.toString("latin1").split(" ")[0]!);
      if (first && ++requests === 2) socket.destroy();
      else socket.write(ok("served"));
    });
  }).then((origin) => ({ ...origin, seen }));
};

test("a GET whose pooled connection turns out dead is sent again on another", async (t) => {
  const origin = await dying(t);
  const { port } = await proxy(t, { dtab: toPort(origin.port), rest: noAccrual });
  const one = caller(t, port);
  one.write(get("/"));
  await one.until((text) => text.endsWith("served"));
  one.write(get("/"));
  await one.until((text) => count(text, "served") === 2);
  assert.deepEqual(origin.seen, ["GET", "GET", "GET"]);
});

test("a POST whose pooled connection turns out dead is not sent again", async (t) => {
  const origin = await dying(t);
  const { port } = await proxy(t, { dtab: toPort(origin.port), rest: noAccrual });
  const one = caller(t, port);
  one.write(get("/"));
  await one.until((text) => text.endsWith("served"));
  one.write("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 2\r\n\r\nhi");
  await one.until((text) => text.includes("HTTP/1.1 502"));
  assert.deepEqual(origin.seen, ["GET", "POST"]);
});

test("a request that gives up waiting for a connection is sent to no endpoint later", async (t) => {
  const seen: string[] = [];
  const held: (() => void)[] = [];
  const origin = await answering(t, (head, socket) => {
    seen.push(head.split(" ")[1]!);
    held.push(() => socket.write(ok("done")));
    return undefined;
  });
  const { port } = await proxy(t, {
    dtab: toPort(origin.port),
    rest: `  client: { failureAccrual: { kind: none }, hostConnectionPool: { maxSize: 1 }, requestAttemptTimeoutMs: 300 }
  bindingTimeoutMs: 10000`,
  });
  const first = caller(t, port);
  first.write(get("/first"));
  await until(() => seen.length === 1);
  const second = caller(t, port);
  second.write(get("/second"));
  await first.until((text) => text.startsWith("HTTP/1.1 503"));
  await second.until((text) => text.startsWith("HTTP/1.1 503"));
  const third = caller(t, port);
  third.write(get("/third"));
  await until(() => seen.includes("/third"));
  assert.ok(count(seen.join(" "), "/second") <= 1, `sent: ${seen}`);
});

test("a caller that leaves counts neither against the endpoint nor in its accrual", async (t) => {
  const origin = await answering(t, (head) => (head.includes("/hang") ? undefined : ok("fine")));
  const { port, get: page } = await proxy(t, {
    dtab: toPort(origin.port),
    rest: "  client: { failureAccrual: { kind: io.l5d.consecutiveFailures, failures: 1 } }",
  });
  for (let i = 0; i < 3; i++) {
    const leaving = caller(t, port);
    leaving.write(get("/hang"));
    await until(() => origin.sockets.size > 0);
    leaving.socket.resetAndDestroy();
  }
  const staying = caller(t, port);
  staying.write(get("/"));
  await staying.until((text) => text.endsWith("fine"));
  const metrics = (await (await page("/admin/metrics.json")).json()) as Record<string, number>;
  assert.equal(metrics["rt/t/service/svc/web/cancelled"], 3);
  assert.equal(metrics["rt/t/service/svc/web/failures"], undefined);
  const removals = Object.entries(metrics).filter(([name]) => name.endsWith("failure_accrual/removals"));
  assert.deepEqual(
    removals.map(([, value]) => value),
    [0],
  );
});

test("a compressed answer to HTTP/1.0 keeps its own head when its connection serves another meanwhile", async (t) => {
  const origin = await answering(t, (head) => {
    const path = head.split(" ")[1]!.slice(1);
    return ok(`body-${path}`.repeat(200), `content-type: text/plain\r\nx-path: ${path}\r\n`);
  });
  const { port } = await proxy(t, { dtab: toPort(origin.port), rest: "  compressionLevel: 6" });
  const callers = Array.from({ length: 20 }, (_, i) => {
    const one = caller(t, port);
    one.write(`GET /p${i} HTTP/1.0\r\nHost: web\r\nAccept-Encoding: gzip\r\n\r\n`);
    return one;
  });
  const paths = await Promise.all(
    callers.map(
      async (one) => /x-path: (\S+)/.exec(await one.until((text) => text.includes("\r\n\r\n")))?.[1],
    ),
  );
  assert.deepEqual(
    paths,
    callers.map((_, i) => `p${i}`),
  );
});

test("requests get through though every client is in use and the cache holds one", async (t) => {
  const origin = await answering(t, (head, socket) => {
    if (!head.includes("/slow")) return ok("quick");
    setTimeout(() => socket.write(ok("slow")), 300);
    return undefined;
  });
  const { port } = await proxy(t, {
    dtab: `|
    /svc/a => /$/inet/127.0.0.1/${origin.port} ;
    /svc/b => /$/inet/localhost/${origin.port} ;`,
    rest: "  bindingCache: { clients: 1 }",
  });
  const first = caller(t, port);
  first.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => origin.sockets.size > 0);
  const second = caller(t, port);
  second.write("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
  await second.until((text) => text.endsWith("quick"));
  await first.until((text) => text.endsWith("slow"));
});

test("an empty line after a request does not end the connection", async (t) => {
  const origin = await answering(t, () => ok("fine"));
  const { port } = await proxy(t, { dtab: toPort(origin.port), server: "    requestHeadTimeoutMs: 300" });
  const one = caller(t, port);
  one.write(`${get("/")}\r\n`);
  await one.until((text) => text.endsWith("fine"));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  one.write(get("/"));
  await one.until((text) => count(text, "fine") === 2);
});

test("an answer keeps its head while others come and go", async (t) => {
  const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const origin = await answering(t, (head, socket) => {
    const path = head.split(" ")[1]!;
    const answer = `HTTP/1.1 200 OK\r\nx-of: ${path}\r\ncontent-length: 4\r\n\r\n`;
    if (path !== "/slow") return `${answer}fast`;
    socket.write(`${answer}sl`);
    asked.resolve();
    void held.promise.then(() => socket.write("ow"));
    return undefined;
  });
  const { port } = await proxy(t, { dtab: toPort(origin.port), rest: "  streamingEnabled: false" });
  const slow = caller(t, port);
  slow.write(get("/slow"));
  await asked.promise;
  await new Promise((resolve) => setTimeout(resolve, 50));
  const fast = caller(t, port);
  for (let n = 1; n <= 5; n++) {
    fast.write(get(`/fast-${n}`));
    await fast.until((text) => text.endsWith("fast") && text.includes(`x-of: /fast-${n}`));
  }
  held.resolve();
  const text = await slow.until((got) => got.endsWith("slow"));
  assert.match(text, /x-of: \/slow\r\n/);
  assert.doesNotMatch(text, /fast/);
});
