/** Reloads of a whole daemon, with its real data worker, while requests are served. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig, routerPlaces } from "../../daemon/cli/read-config.ts";
import { type Daemon, startDaemon } from "../../daemon/control/supervisor.ts";
import { nodeBinding } from "../kit/node-binding.ts";
import { tempDir } from "../kit/temp-dir.ts";

/** An endpoint that says its name; `/stream` goes on until it is told to end, `/slow` takes a while. */
const endpoint = async (t: TestContext, name: string) => {
  const streams = new Set<() => void>();
  const server = createServer((incoming, response) => {
    if (incoming.url === "/stream") {
      response.write("begun ");
      streams.add(() => response.end("ended"));
    } else if (incoming.url === "/slow") setTimeout(() => response.end(name), 300);
    else response.end(name);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const endStreams = (): void => {
    for (const end of streams) end();
  };
  return { port: (server.address() as AddressInfo).port, endStreams };
};

const freePort = async (): Promise<number> => {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
};

interface Rig {
  readonly daemon: Daemon;
  readonly log: Record<string, unknown>[];
  /** Writes the file. */
  write(text: string): void;
  admin(path: string, init?: RequestInit): Promise<Response>;
  metric(name: string): Promise<number | undefined>;
}

const start = async (t: TestContext, text: string): Promise<Rig> => {
  const dir = tempDir();
  t.after(() => dir[Symbol.dispose]());
  dir.write("linkerd.yaml", text);
  const file = join(dir.path, "linkerd.yaml");
  const again = async () => {
    const read = await readConfig(file);
    return { ...read, places: routerPlaces(read) };
  };
  const { config, issues, registry, places } = await again();
  assert.ok(config, issues.map(({ message }) => message).join("\n"));
  const log: Record<string, unknown>[] = [];
  const daemon = await startDaemon({
    config,
    configText: text,
    configPath: file,
    registry,
    places,
    read: again,
    binding: nodeBinding,
    stdout: { write: (line) => void log.push(JSON.parse(line)) },
  });
  t.after(() => daemon.close(0));
  const admin: Rig["admin"] = (path, init) => fetch(`http://127.0.0.1:${daemon.admin.port}${path}`, init);
  return {
    daemon,
    log,
    write: (next) => dir.write("linkerd.yaml", next),
    admin,
    metric: async (name) =>
      ((await (await admin("/admin/metrics.json")).json()) as Record<string, number>)[name],
  };
};

const ask = async (port: number, path = "/", agent?: Agent): Promise<IncomingMessage> => {
  const sent = request({ port, host: "127.0.0.1", path, headers: { host: "web" }, agent });
  sent.end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return answer;
};

const bodyOf = async (answer: IncomingMessage): Promise<string> => {
  let body = "";
  for await (const chunk of answer.setEncoding("latin1")) body += chunk;
  return body;
};

const get = async (port: number, path = "/", agent?: Agent): Promise<string> =>
  bodyOf(await ask(port, path, agent));

const routerYaml = (label: string, to: number, ports: readonly number[], rest = ""): string =>
  `- protocol: http
  label: ${label}
  dtab: /svc => /$/inet/127.1/${to}
  servers: [${ports.map((port) => `{port: ${port}}`).join(", ")}]
${rest}`;

const file = (...routers: readonly string[]): string =>
  `admin: {port: 0}\nworkers: 1\nrouters:\n${routers.join("")}`;

test("a hundred reloads under load lose no request and cut no stream of a router that stays", async (t) => {
  const one = await endpoint(t, "one");
  const two = await endpoint(t, "two");
  const [steady, busy, extra] = [await freePort(), await freePort(), await freePort()];
  const texts = [
    file(routerYaml("steady", one.port, [steady]), routerYaml("busy", one.port, [busy])),
    file(routerYaml("steady", one.port, [steady]), routerYaml("busy", two.port, [busy])),
    file(
      routerYaml("steady", one.port, [steady]),
      routerYaml("busy", two.port, [busy, extra], "  client: {connectTimeoutMs: 900}\n"),
    ),
    file(routerYaml("other", two.port, [busy]), routerYaml("steady", one.port, [steady])),
  ];
  const { daemon, write, metric } = await start(t, texts[0]!);
  const stream = await ask(steady, "/stream");
  const streamed = bodyOf(stream);
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  t.after(() => agent.destroy());
  let over = false;
  let answered = 0;
  const client = async (port: number): Promise<void> => {
    while (!over) {
      const answer = await ask(port, "/", agent);
      const body = await bodyOf(answer);
      assert.equal(answer.statusCode, 200, body);
      assert.match(body, /^(one|two)$/);
      answered += 1;
      await sleep(8);
    }
  };
  const clients = [client(busy), client(busy), client(busy), client(steady)];
  // A client that fails must end the test, not only its loop.
  const failed = Promise.all(clients);
  for (let n = 1; n <= 100; n += 1) {
    write(texts[n % texts.length]!);
    const result = await Promise.race([daemon.reload("test"), failed.then(() => assert.fail())]);
    assert.ok(result.reloaded, JSON.stringify(result));
    await sleep(10);
  }
  over = true;
  await failed;
  one.endStreams();
  assert.equal(await streamed, "begun ended");
  assert.ok(answered > 300, `${answered} requests`);
  assert.equal(await metric("config/reloads"), 100);
  assert.equal(await metric("rt/steady/server/127.0.0.1/" + steady + "/connects"), 2);
  assert.equal(await metric("rt/steady/failures"), undefined);
});

test("another dtab leads to another endpoint at once, and the connection to the caller and the first endpoint stay", async (t) => {
  const one = await endpoint(t, "one");
  const two = await endpoint(t, "two");
  const port = await freePort();
  const { daemon, write, metric } = await start(t, file(routerYaml("http", one.port, [port])));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  assert.equal(await get(port, "/", agent), "one");
  write(file(routerYaml("http", two.port, [port])));
  const result = await daemon.reload("test");
  assert.deepEqual(result.reloaded && result.routers.rebound, ["http"]);
  assert.equal(await get(port, "/", agent), "two");
  write(file(routerYaml("http", one.port, [port])));
  await daemon.reload("test");
  assert.equal(await get(port, "/", agent), "one");
  assert.equal(await metric(`rt/http/server/127.0.0.1/${port}/connects`), 1);
  assert.equal(await metric(`rt/http/client/$/inet/127.1/${one.port}/connects`), 1);
});

test("a request in flight ends on the router that took it, its counts go on, and its series end when it has", async (t) => {
  const one = await endpoint(t, "one");
  const port = await freePort();
  const text = file(routerYaml("http", one.port, [port]));
  const { daemon, write, metric } = await start(t, text);
  const slow = get(port, "/slow");
  await sleep(50);
  write(text + "  client: {connectTimeoutMs: 900}\n");
  const result = await daemon.reload("test");
  assert.deepEqual(result.reloaded && result.routers.replaced, ["http"]);
  assert.equal(await get(port), "one");
  assert.equal(await slow, "one");
  await sleep(50);
  assert.equal(await metric(`rt/http/server/127.0.0.1/${port}/requests`), 2);
  assert.equal(await metric("rt/http/service/svc/web/requests"), 2);
  assert.equal(await metric(`rt/http/client/$/inet/127.1/${one.port}/loadbalancer/size`), 1);
  assert.equal(await metric("binder/bindings"), 1);
  write(file(routerYaml("new", one.port, [port])));
  await daemon.reload("test");
  assert.equal(await get(port), "one");
  await sleep(50);
  assert.equal(await metric(`rt/http/server/127.0.0.1/${port}/requests`), undefined);
  assert.equal(await metric(`rt/new/server/127.0.0.1/${port}/requests`), 1);
});

test("a bad file is refused with its lines, counted and logged, and the old one serves on", async (t) => {
  const one = await endpoint(t, "one");
  const port = await freePort();
  const good = file(routerYaml("http", one.port, [port]));
  const { daemon, write, admin, metric, log } = await start(t, good);
  write(good.replace("dtab:", "dtabs:"));
  const response = await admin("/admin/reload", { method: "POST" });
  assert.equal(response.status, 422);
  const answer = (await response.json()) as { reloaded: boolean; problems: string[] };
  assert.equal(answer.reloaded, false);
  assert.match(answer.problems[0]!, /linkerd\.yaml:6:3: routers\[0\]\.dtabs: /);
  assert.ok(log.some(({ level, problems }) => level === "error" && String(problems).includes("dtabs")));
  assert.equal(await metric("config/reload_failures"), 1);
  assert.equal(await metric("config/reloads"), 0);
  assert.equal(await get(port), "one");
  assert.equal(daemon.servers.length, 1);
  write(good);
  assert.equal((await admin("/admin/reload", { method: "POST" })).status, 200);
});

test("a port that is taken refuses the whole reload, and nothing of it is left open", async (t) => {
  const one = await endpoint(t, "one");
  const two = await endpoint(t, "two");
  const other = createTcpServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.close());
  const taken = (other.address() as AddressInfo).port;
  const [port, free] = [await freePort(), await freePort()];
  const { daemon, write } = await start(t, file(routerYaml("http", one.port, [port])));
  write(file(routerYaml("http", two.port, [port, free, taken])));
  const result = await daemon.reload("test");
  assert.equal(result.reloaded, false);
  assert.match(result.reloaded ? "" : result.problems.join(), new RegExp(`127.0.0.1:${taken} is in use`));
  assert.equal(await get(port), "one");
  await assert.rejects(get(free), { code: "ECONNREFUSED" });
});

test("ports come and go, and what needs a restart is told while the rest applies", async (t) => {
  const one = await endpoint(t, "one");
  const two = await endpoint(t, "two");
  const [port, next] = [await freePort(), await freePort()];
  const { daemon, write, admin, log } = await start(t, file(routerYaml("http", one.port, [port])));
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  assert.equal(await get(port, "/", agent), "one");
  const text = file(routerYaml("http", two.port, [next]))
    .replace("admin: {port: 0}", "admin: {port: 0, ip: 127.0.0.2, security: {uiEnabled: false}}")
    .replace("workers: 1", "workers: 3");
  write(text);
  const answer = (await (await admin("/admin/reload", { method: "POST" })).json()) as Record<string, unknown>;
  assert.deepEqual(answer["needsRestart"], ["admin.ip", "workers"]);
  assert.ok(log.some(({ message }) => message === "admin.ip needs a restart"));
  assert.equal(await get(next), "two");
  await assert.rejects(get(port), { code: "ECONNREFUSED" });
  assert.deepEqual(daemon.servers, [{ router: "http", ip: "127.0.0.1", port: next }]);
  assert.equal((await admin("/config.json")).status, 404);
});

test("routers may swap ports, and one with port 0 keeps the one it has", async (t) => {
  const one = await endpoint(t, "one");
  const two = await endpoint(t, "two");
  const [a, b] = [await freePort(), await freePort()];
  const zero = routerYaml("zero", one.port, [0]);
  const { daemon, write } = await start(
    t,
    file(zero, routerYaml("a", one.port, [a]), routerYaml("b", two.port, [b])),
  );
  const [first] = daemon.servers;
  write(file(routerYaml("a", one.port, [b]), routerYaml("b", two.port, [a]), zero));
  const result = await daemon.reload("test");
  assert.deepEqual(result.reloaded && result.routers.kept, ["zero"]);
  assert.equal(await get(a), "two");
  assert.equal(await get(b), "one");
  assert.equal(await get(first!.port), "one");
  assert.deepEqual(daemon.servers.at(-1), first);
});

test("every worker goes over, and names that were bound in all of them lead elsewhere", async (t) => {
  const one = await endpoint(t, "one");
  const two = await endpoint(t, "two");
  const port = await freePort();
  const text = (to: number): string =>
    file(routerYaml("http", to, [port])).replace("workers: 1", "workers: 2");
  const { daemon, write } = await start(t, text(one.port));
  const agents = Array.from({ length: 16 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  t.after(() => {
    for (const agent of agents) agent.destroy();
  });
  const bodies = async () => new Set(await Promise.all(agents.map((agent) => get(port, "/", agent))));
  assert.deepEqual(await bodies(), new Set(["one"]));
  write(text(two.port));
  assert.equal((await daemon.reload("test")).reloaded, true);
  assert.deepEqual(await bodies(), new Set(["two"]));
  write(`${text(one.port)}  bindingTimeoutMs: 3000\n`);
  assert.equal((await daemon.reload("test")).reloaded, true);
  assert.deepEqual(await bodies(), new Set(["one"]));
});

test("a page of another site cannot reload", async (t) => {
  const { admin, metric } = await start(t, file(routerYaml("http", 1, [0])));
  const headers = { origin: "http://evil.example" };
  assert.equal((await admin("/admin/reload", { method: "POST", headers })).status, 403);
  assert.equal((await admin("/admin/reload")).status, 405);
  assert.equal(await metric("config/reloads"), 0);
});
