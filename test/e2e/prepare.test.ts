/** What an installation prepares: a first start finds the types of all files stripped, whatever the configuration names. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../scripts/lib/ports.ts";
import { Certificates } from "../kit/certificates.ts";
import { eventually } from "../kit/eventually.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { program } from "./program-rig.ts";

const prepare = fileURLToPath(new URL("../../scripts/prepare.mjs", import.meta.url));

test("after an installation a start with a namer, a plugin and TLS has nothing left to strip", async (t) => {
  const folder = tempDir();
  t.after(() => folder[Symbol.dispose]());
  const cache = path.join(folder.path, "cache");
  const env = { ...process.env, NODE_COMPILE_CACHE: cache };
  const files = (): string[] => readdirSync(cache, { recursive: true, encoding: "utf8" }).sort();
  execFileSync(process.execPath, [prepare], { env, stdio: "ignore" });
  const prepared = files();
  assert.ok(prepared.length > 500, String(prepared.length));

  const { cert, key } = new Certificates(folder.path).authority("web");
  const [port, admin] = (await freePorts(2)) as [number, number];
  folder.write(
    "linkerd.yaml",
    `admin: { port: ${admin} }
workers: 1
namers: [{ kind: io.l5d.fs, rootDir: ${folder.path} }]
routers:
- protocol: http
  dtab: /svc => /#/io.l5d.fs
  identifier: { kind: io.l5d.methodAndHost }
  client: { loadBalancer: { kind: ewma }, failureAccrual: { kind: io.l5d.successRate, successRate: 0.9, requests: 20 } }
  servers: [{ port: ${port}, tls: { certPath: ${cert}, keyPath: ${key} } }]
`,
  );
  const child = spawn(program, ["run", path.join(folder.path, "linkerd.yaml")], { env, stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await eventually(async () => assert.ok((await fetch(`http://127.0.0.1:${admin}/readyz`)).ok));
  child.kill("SIGTERM");
  await once(child, "exit");
  assert.deepEqual(
    files().filter((file) => !prepared.includes(file)),
    [],
  );
});
