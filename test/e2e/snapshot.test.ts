/** The whole daemon, killed and started again while its discovery is away. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readSnapshot } from "../../daemon/control/snapshot/snapshot-file.ts";
import { eventually } from "../kit/eventually.ts";
import { fakeConsul } from "../kit/fake-consul.ts";
import { tempDir } from "../kit/temp-dir.ts";

const program = fileURLToPath(new URL("../../bin/pointsman", import.meta.url));

/** Runs the daemon as systemd does, until it is killed; `ask` sends a request for a host. */
async function run(t: TestContext, file: string, env: NodeJS.ProcessEnv) {
  const child = spawn(program, ["run", file], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  t.after(() => child.kill("SIGKILL"));
  let log = "";
  child.stdout.on("data", (text) => (log += text));
  const serving = (what: string): number => {
    const line = log.split("\n").find((each) => each.includes(`"message":"${what}"`));
    return (JSON.parse(line ?? assert.fail(`not ${what} yet`)) as { port: number }).port;
  };
  await eventually(() => assert.match(log, /"initialized"/), 20_000);
  const request = (port: number, path: string, host: string) =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      get({ host: "127.0.0.1", port, path, headers: { host }, agent: false }, (response) => {
        let body = "";
        response.on("data", (text) => (body += text));
        response.on("end", () => resolve({ status: response.statusCode, body }));
      }).on("error", reject);
    });
  return {
    ask: (host: string) => request(serving("serving"), "/", host),
    admin: async (path: string) => (await request(serving("serving admin"), path, "localhost")).body,
    async kill() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

test("a daemon that was killed serves again while its Consul is away, and tells how old what it knows is", {
  timeout: 90_000,
}, async (t) => {
  const dir = tempDir();
  const consul = await fakeConsul();
  const server = createServer((_, response) => response.end("web")).listen(0, "127.0.0.1");
  t.after(() => {
    server.close();
    consul.close();
    dir[Symbol.dispose]();
  });
  await once(server, "listening");
  consul.set("web", `127.0.0.1:${(server.address() as AddressInfo).port}`);
  dir.write(
    "linkerd.yaml",
    `
admin: {port: 0}
workers: 1
namers: [{kind: consul, host: 127.0.0.1, port: ${consul.port}}]
routers:
- {protocol: http, dtab: "/svc => /#/consul/dc1", servers: [{port: 0}]}
`,
  );
  const state = join(dir.path, "state");
  const env = { STATE_DIRECTORY: `${state}:/never` };
  const first = await run(t, join(dir.path, "linkerd.yaml"), env);
  assert.deepEqual(await first.ask("web"), { status: 200, body: "web" });
  await eventually(async () => assert.equal((await readSnapshot(state)).tag, "text"), 15_000);
  await first.kill();
  await eventually(() => assert.equal(consul.connections().now, 0), 5_000);
  consul.fault("reset");
  const second = await run(t, join(dir.path, "linkerd.yaml"), env);
  assert.deepEqual(await second.ask("web"), { status: 200, body: "web" });
  const { names } = JSON.parse(await second.admin("/namer_state/consul.json"));
  const { state: found, restored, ageSeconds } = names["dc1/web"];
  assert.deepEqual([found, restored], ["found", true]);
  assert.ok(ageSeconds > 0.5, `${ageSeconds} s`);
  const metrics = JSON.parse(await second.admin("/admin/metrics.json"));
  const age = metrics["namer/#/consul/name/dc1/web/discovery_age_seconds"];
  assert.ok(age > 0.3, `${age} s`);
  consul.fault(undefined);
  await eventually(async () => {
    const now = JSON.parse(await second.admin("/namer_state/consul.json"));
    assert.equal(now.names["dc1/web"].restored, undefined);
  }, 15_000);
});
