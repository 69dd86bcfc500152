/** What another configuration changes of the one that runs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkConfig } from "../../config/load.ts";
import type { LinkerdConfig } from "../../config/schema.ts";
import { applicable, diffRouters, restartKeys } from "../../daemon/control/config-diff.ts";
import { builtinKinds } from "../config/kit.ts";

const load = async (text: string): Promise<LinkerdConfig> => {
  const { config, issues } = await checkConfig(text, {
    kinds: builtinKinds(),
    files: { isFile: () => true, isDirectory: () => true },
    workers: 1,
  });
  assert.ok(config, issues.map(({ message }) => message).join("\n"));
  return config;
};

const router = (label: string, rest = "", dtab = "/svc => /a"): string =>
  `- {protocol: http, label: ${label}, dtab: "${dtab}", servers: [{port: ${4000 + label.charCodeAt(0)}}]${rest}}\n`;

const changes = async (from: string, to: string) =>
  diffRouters(await load(`routers:\n${from}`), await load(`routers:\n${to}`));

const none = { kept: [], rebound: [], replaced: [], added: [], removed: [] };

test("a router whose block says the same is kept, wherever it stands and however it is written", async () => {
  const found = await changes(router("a") + router("b"), router("b") + router("a"));
  assert.deepEqual(found, { ...none, kept: ["b", "a"] });
  assert.deepEqual(
    (await changes(router("a"), router("a", ", bindingTimeoutMs: 10000"))).kept,
    ["a"],
    "a default that is written out changes nothing",
  );
});

test("another dtab or interpreter binds names anew, and keeps the router", async () => {
  assert.deepEqual(await changes(router("a"), router("a", "", "/svc => /b")), { ...none, rebound: ["a"] });
  const files = ", interpreter: {kind: io.l5d.fs, dtabFile: /x.dtab}";
  assert.deepEqual(await changes(router("a"), router("a", files)), { ...none, rebound: ["a"] });
});

test("another namer binds the names of every router anew", async () => {
  const namers = "namers: [{kind: io.l5d.fs, rootDir: /x}]\n";
  const found = diffRouters(
    await load(`routers:\n${router("a")}${router("b")}`),
    await load(`${namers}routers:\n${router("a")}${router("b")}`),
  );
  assert.deepEqual(found, { ...none, rebound: ["a", "b"] });
});

test("anything else takes another router's place; labels come and go", async () => {
  const client = ", client: {connectTimeoutMs: 10}";
  assert.deepEqual(await changes(router("a") + router("b"), router("a", client) + router("c")), {
    ...none,
    replaced: ["a"],
    added: ["c"],
    removed: ["b"],
  });
});

test("what is announced changes nothing that a worker has", async () => {
  const announcing = router("a").replace(
    "servers: [{",
    "announcers: [{kind: io.l5d.serversets, zkAddrs: [{host: zk}]}], servers: [{announce: [/#/io.l5d.serversets/a], ",
  );
  assert.deepEqual(await changes(router("a"), announcing), { ...none, rebound: ["a"] });
});

test("what needs a restart is told by its key, stays as it was, and the rest of admin applies", async () => {
  const running = await load(`routers:\n${router("a")}`);
  const next = await load(
    `admin: {port: 1, shutdownGraceMs: 5, security: {uiEnabled: false}, workerThreads: 4}\nworkers: 7\n` +
      `telemetry: [{kind: io.l5d.prometheus}]\nrouters:\n` +
      router("a").replace("servers: [{", "servers: [{socketOptions: {backlog: 7}, "),
  );
  assert.deepEqual(restartKeys(running, next), [
    "admin.port",
    "telemetry",
    "workers",
    "routers[0].servers[0].socketOptions.backlog",
  ]);
  const applied = applicable(running, next);
  assert.equal(applied.admin.port, 9990);
  assert.equal(applied.admin.shutdownGraceMs, 5);
  assert.equal(applied.admin.security?.uiEnabled, false);
  assert.deepEqual(applied.telemetry, []);
  assert.equal(applied.workers, 1);
  assert.equal(applicable(applied, running).admin.security, undefined);
  assert.deepEqual(restartKeys(applied, next), ["admin.port", "telemetry", "workers"]);
});
