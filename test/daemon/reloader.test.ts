/** The two phases of a reload, over workers that the test plays. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkConfig } from "../../config/load.ts";
import type { RouterConfig } from "../../config/schema.ts";
import { builtinRegistry } from "../../daemon/builtin.ts";
import { createGeneration } from "../../daemon/control/generation.ts";
import { createLogging } from "../../daemon/control/logging.ts";
import { type ConfigRead, Reloader, type ReloaderOptions } from "../../daemon/control/reloader.ts";
import type { WorkerSetup } from "../../daemon/shared/messages.ts";
import { builtinKinds } from "../config/kit.ts";
import { fakeClock, memoryLog, noMetrics } from "./kit.ts";

const yaml = (dtab: string): string =>
  `routers:\n- {protocol: http, dtab: "${dtab}", servers: [{port: 0}]}\n`;

const readText = async (text: string): Promise<ConfigRead> => {
  const registry = builtinRegistry();
  const read = await checkConfig(text, {
    kinds: builtinKinds(registry),
    files: { isFile: () => true, isDirectory: () => true },
    workers: 2,
  });
  return { ...read, fileName: "linkerd.yaml", text, registry, places: {} };
};

/** A worker that notes what it is told. */
const fakeWorker = (id: number, told: string[]) => ({
  id,
  setup: {} as WorkerSetup,
  refusal: undefined as string | undefined,
  async prepare(): Promise<void> {
    told.push(`${id} prepare`);
    await Promise.resolve();
    if (this.refusal !== undefined) throw new Error(this.refusal);
  },
  async commit(setup: WorkerSetup): Promise<void> {
    this.setup = setup;
    told.push(`${id} commit`);
  },
  rollback: () => void told.push(`${id} rollback`),
  terminate: async () => void told.push(`${id} terminate`),
});

const rig = async (options: Partial<ReloaderOptions> = {}) => {
  const told: string[] = [];
  const log = memoryLog();
  const file = { text: yaml("/svc => /a") };
  const { config, registry, text } = await readText(file.text);
  const workers = [fakeWorker(0, told), fakeWorker(1, told)];
  const parts = {
    registry,
    logging: createLogging({ write() {} }),
    clock: fakeClock(),
    random: () => 0.5,
    metrics: noMetrics,
  };
  const reloader = new Reloader({
    start: createGeneration({ written: config!, config: config!, text, parts, places: {} }),
    read: () => readText(file.text),
    binder: { replace: () => void told.push("naming"), forget: () => void told.push("forget") },
    workers: () => workers,
    files: { prepare: async () => {}, keep: () => {}, current: () => ({}) },
    feeds: { prepare: async () => undefined, keep: () => {} },
    listeners: { prepare: async (next) => next, keep: () => {}, share: async () => ({}) },
    accessLogs: { prepare: async () => () => {}, reopen: async () => {} },
    announcements: { withdraw: async () => {}, announce: () => {} },
    metrics: noMetrics,
    log,
    nowMs: () => 0,
    ...options,
  });
  return { reloader, told, log, file, workers };
};

test("all workers prepare before naming changes, and naming changes before any commits", async () => {
  const { reloader, told, file } = await rig();
  file.text = yaml("/svc => /b");
  const result = await reloader.reload("test");
  assert.equal(result.reloaded, true);
  assert.deepEqual(told, ["0 prepare", "1 prepare", "naming", "0 commit", "1 commit", "forget"]);
  assert.equal(reloader.current.config.routers[0]!.dtab, "/svc => /b");
});

test("a server that stays is announced under its new names, at the address that it has", async () => {
  const told: unknown[] = [];
  const tell = (what: string) => (routers: readonly RouterConfig[]) =>
    told.push([
      what,
      ...routers.flatMap(({ servers }) => servers.map(({ announce, port }) => [announce, port])),
    ]);
  const announcements = {
    announce: tell("announce"),
    withdraw: async (routers: readonly RouterConfig[] = []) => void tell("withdraw")(routers),
  };
  const { reloader, file } = await rig({ announcements });
  file.text = yaml("/svc => /a").replace("{port: 0}", "{port: 0, announce: [/#/x/web]}");
  const { port } = reloader.current.config.routers[0]!.servers[0]!;
  await reloader.reload("test");
  assert.deepEqual(told, [
    ["withdraw", [["/#/x/web"], port]],
    ["announce", [["/#/x/web"], port]],
  ]);
});

test("one worker that cannot prepare rolls all back, and nothing changes", async () => {
  const { reloader, told, file, workers, log } = await rig();
  workers[1]!.refusal = "listen EADDRINUSE";
  file.text = yaml("/svc => /b");
  const before = reloader.current;
  assert.deepEqual(await reloader.reload("test"), { reloaded: false, problems: ["listen EADDRINUSE"] });
  assert.deepEqual(told, ["0 prepare", "1 prepare", "0 rollback", "1 rollback"]);
  assert.equal(reloader.current, before);
  assert.equal(log.lines.at(-1)!.level, "error");
});

test("an access log that cannot be opened rolls all back too", async () => {
  const accessLogs = { prepare: () => Promise.reject(new Error("no such folder")), reopen: async () => {} };
  const { reloader, told } = await rig({ accessLogs });
  assert.deepEqual(await reloader.reload("test"), { reloaded: false, problems: ["no such folder"] });
  assert.deepEqual(told.slice(2), ["0 rollback", "1 rollback"]);
});

test("a worker that was started meanwhile goes over afterwards, or is started again if it cannot", async () => {
  const told: string[] = [];
  const early = fakeWorker(0, told);
  const late = fakeWorker(1, told);
  const bad = { ...fakeWorker(2, told), refusal: "no" };
  let running = [early];
  const { reloader } = await rig({
    workers: () => running,
    binder: {
      replace: () => {
        running = [early, late, bad];
      },
      forget() {},
    },
  });
  await reloader.reload("test");
  assert.deepEqual(told, ["0 prepare", "0 commit", "1 prepare", "1 commit", "2 prepare", "2 terminate"]);
});

test("a router that is kept keeps its key, one that is replaced gets another", async () => {
  const { reloader, file } = await rig();
  const key = (): string => reloader.current.setup.routers[0]!.key;
  const first = key();
  file.text = yaml("/svc => /b");
  await reloader.reload("test");
  assert.equal(key(), first);
  file.text = file.text.replace("protocol: http,", "protocol: http, bindingTimeoutMs: 7,");
  await reloader.reload("test");
  assert.notEqual(key(), first);
});

test("interpreters and namers that are equal are kept", async () => {
  const { reloader, file } = await rig();
  const namers = "namers: [{kind: io.l5d.fs, rootDir: /x}, {kind: io.l5d.fs, prefix: /y, rootDir: /y}]\n";
  file.text = namers + yaml("/svc => /a");
  await reloader.reload("test");
  const before = reloader.current.naming;
  file.text = namers + yaml("/svc => /b");
  await reloader.reload("test");
  assert.equal(reloader.current.naming.routers[0]!.interpreter, before.routers[0]!.interpreter);
  file.text = namers.replace("rootDir: /y", "rootDir: /z") + yaml("/svc => /b");
  await reloader.reload("test");
  const { naming } = reloader.current;
  assert.notEqual(naming.routers[0]!.interpreter, before.routers[0]!.interpreter);
  assert.equal(naming.namers[0]!.namer, before.namers[0]!.namer);
  assert.notEqual(naming.namers[1]!.namer, before.namers[1]!.namer);
});

test("whoever asks while a reload is under way shares the next one", async () => {
  let reads = 0;
  const { reloader } = await rig({
    read: async () => {
      reads += 1;
      return readText(yaml("/svc => /b"));
    },
  });
  const all = [reloader.reload("1"), reloader.reload("2"), reloader.reload("3")];
  assert.equal(all[1], all[2]);
  await Promise.all(all);
  assert.equal(reads, 2);
});

test("standard input cannot be read again, and a daemon that ends reloads no more", async () => {
  const { reloader } = await rig({ read: undefined });
  const result = await reloader.reload("SIGHUP");
  assert.ok(!result.reloaded && result.impossible);
  assert.match(result.problems[0]!, /standard input/);
  await reloader.end();
  const after = await reloader.reload("SIGHUP");
  assert.match(after.reloaded ? "" : after.problems[0]!, /shutting down/);
});

test("a file that is gone is a refusal like any other", async () => {
  const { reloader } = await rig({ read: () => Promise.reject(new Error("ENOENT: no such file")) });
  assert.deepEqual(await reloader.reload("test"), { reloaded: false, problems: ["ENOENT: no such file"] });
});
