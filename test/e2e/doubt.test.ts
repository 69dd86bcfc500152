/** A daemon that doubts its discovery: Envoy's 2×2 rule and active health checks, with real endpoints. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { type Rig, start } from "../daemon/rig.ts";
import { eventually } from "../kit/eventually.ts";
import { fakeConsul } from "../kit/fake-consul.ts";
import { type TempDir, tempDir } from "../kit/temp-dir.ts";

const workerUrl = new URL("../../daemon/data/worker.ts", import.meta.url);

/** An endpoint that says its name, and at `/health` how it is. */
async function endpoint(t: TestContext, name: string) {
  const state = { health: 200, checks: 0 };
  const server = createServer((request, response) => {
    if (request.url !== "/health") return void response.end(name);
    state.checks++;
    response.writeHead(state.health).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  t.after(close);
  return { state, port, close };
}

async function daemon(t: TestContext, namer: string, dtab: string, client: string) {
  const rig = await start(
    `
admin: {port: 0}
workers: 1
namers: [${namer}]
routers:
- {protocol: http, dtab: "${dtab}", servers: [{port: 0}], client: ${client}}
`,
    { workerUrl },
  );
  t.after(() => rig.daemon.close(0));
  const { port } = rig.daemon.servers[0]!;
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      get({ host: "127.0.0.1", port, headers: { host: "web" }, agent: false }, (response) => {
        let body = "";
        response.on("data", (text) => (body += text));
        response.on("end", () => resolve(response.statusCode === 200 ? body : String(response.statusCode)));
      }).on("error", reject);
    });
  /** Who answers of twenty requests, or the status of those that nobody answers. */
  const answers = async () => {
    const all: string[] = [];
    for (let i = 0; i < 20; i++) all.push(await ask());
    return [...new Set(all)].sort().join(" ");
  };
  return { rig, answers };
}

const folder = (t: TestContext): TempDir => {
  const dir = tempDir();
  t.after(() => dir[Symbol.dispose]());
  return dir;
};

/** Its endpoints by their ports, each with what is not usual about it. */
const endpoints = async (rig: Rig, id: string): Promise<Record<string, string>> => {
  const { endpoints: all = [] } = (await state(rig, id)) as {
    endpoints?: { address: string; onProbation?: true; health?: string; checkFailure?: string }[];
  };
  return Object.fromEntries(
    all.map(({ address, onProbation, health, checkFailure }) => [
      address.split(":")[1]!,
      [onProbation && "on probation", health, checkFailure].filter((each) => each !== undefined).join(", "),
    ]),
  );
};

const state = async ({ get: page }: Rig, id: string): Promise<Record<string, unknown>> =>
  ((await (await page("/client_state.json")).json()) as Record<string, Record<string, unknown>>)[id]!;

const lines = (...ports: readonly number[]): string => ports.map((port) => `127.0.0.1 ${port}\n`).join("");

test("an endpoint that discovery drops is used until it does not answer, even the last one", async (t) => {
  const [a, b] = [await endpoint(t, "a"), await endpoint(t, "b")];
  const dir = folder(t);
  dir.write("web", lines(a.port, b.port));
  const { rig, answers } = await daemon(
    t,
    `{kind: fs, rootDir: ${dir.path}}`,
    "/svc => /#/fs",
    "{trustDiscovery: never}",
  );
  assert.equal(await answers(), "a b");
  dir.replace("web", lines(b.port));
  await eventually(async () => {
    assert.deepEqual((await state(rig, "/#/fs/web"))["addresses"], [`127.0.0.1:${b.port}`]);
    assert.deepEqual(await endpoints(rig, "/#/fs/web"), { [b.port]: "", [a.port]: "on probation" });
  });
  assert.equal(await answers(), "a b");
  a.close();
  assert.equal(await answers(), "b");
  await eventually(async () => assert.deepEqual(await endpoints(rig, "/#/fs/web"), { [b.port]: "" }));
  dir.replace("web", "");
  await eventually(async () => assert.deepEqual((await state(rig, "/#/fs/web"))["addresses"], []));
  assert.equal(await answers(), "b");
  b.close();
  await eventually(async () => assert.equal(await answers(), "502"));
  dir.replace("web", lines((await endpoint(t, "c")).port));
  await eventually(async () => assert.equal(await answers(), "c"));
});

test("an endpoint that discovery adds is used once it passes a check, and not while it fails", async (t) => {
  const [a, b] = [await endpoint(t, "a"), await endpoint(t, "b")];
  const dir = folder(t);
  dir.write("web", lines(a.port));
  const { rig, answers } = await daemon(
    t,
    `{kind: fs, rootDir: ${dir.path}}`,
    "/svc => /#/fs",
    "{healthCheck: {path: /health, intervalMs: 250, unhealthyAfter: 2}}",
  );
  assert.equal(await answers(), "a");
  b.state.health = 503;
  dir.replace("web", lines(a.port, b.port));
  await eventually(async () => {
    const { [b.port]: health } = await endpoints(rig, "/#/fs/web");
    assert.equal(health, "unhealthy, it answered 503");
  });
  assert.equal(await answers(), "a");
  b.state.health = 200;
  await eventually(async () => assert.equal(await answers(), "a b"));
  const metrics = async (name: string) =>
    ((await (await rig.get("/admin/metrics.json")).json()) as Record<string, number>)[
      `rt/http/client/#/fs/web/health_check/${name}`
    ];
  assert.ok((await metrics("checks"))! > 4);
  assert.ok((await metrics("failures"))! >= 2);
  assert.equal(await metrics("unhealthy"), 0);
  a.state.health = 500;
  await eventually(async () => assert.equal(await answers(), "b"));
  b.state.health = 500;
  await eventually(async () => assert.equal(await metrics("unhealthy"), 2));
  assert.equal(await answers(), "a b", "where none is healthy, all are used");
});

test("a name that a distrusted source forgets is served while its endpoints answer", async (t) => {
  const a = await endpoint(t, "a");
  const consul = await fakeConsul();
  t.after(() => consul.close());
  consul.set("web", `127.0.0.1:${a.port}`);
  const { rig, answers } = await daemon(
    t,
    `{kind: consul, host: 127.0.0.1, port: ${consul.port}, waitSeconds: 1, distrustAfterSeconds: 1}`,
    "/svc => /#/consul/dc1",
    "{}",
  );
  assert.equal(await answers(), "a");
  consul.fault("500");
  await eventually(
    async () => assert.equal((await state(rig, "/#/consul/dc1/web"))["distrusted"], true),
    15_000,
  );
  consul.set("web");
  consul.fault(undefined);
  await eventually(async () => {
    assert.equal((await state(rig, "/#/consul/dc1/web"))["state"], "Neg");
    assert.deepEqual(await endpoints(rig, "/#/consul/dc1/web"), { [a.port]: "on probation" });
  }, 15_000);
  assert.equal(await answers(), "a");
  a.close();
  await eventually(async () => assert.equal(await answers(), "502"));
});
