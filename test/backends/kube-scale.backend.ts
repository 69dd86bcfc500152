/**
 * A cluster's worth of services against a real API server, and a storm of pods that come and go.
 *
 * The short form runs with the other tests; `KUBE_SCALE=full` makes 2 000 services with 20 000 endpoints and storms of a
 * minute, and prints the figures of docs/discovery.md. With REALTIME=1 as well (root alone may) load, origin and worker go
 * before everything else, so that what the API server, etcd and the control thread take of two cores does not count.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { after, before, test } from "node:test";
import { Worker } from "node:worker_threads";
import type { Load } from "../../bench/lib/load.ts";
import { hurry, isWorker } from "../../bench/lib/realtime.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { type Cluster, startCluster, storeSlice, type Target } from "./kube-cluster.ts";
import type { LoadOrder } from "./load-worker.ts";

const full = process.env["KUBE_SCALE"] === "full";
const services = full ? 2_000 : 100;
const endpointsEach = 10;
const updatesPerSecond = 200;
const stormSeconds = Number(process.env["STORM_SECONDS"] ?? (full ? 60 : 5));
const requestsPerSecond = 300;
const boundWithinMs = full ? 60_000 : 20_000;

const originProgram = `require("node:http").createServer((_, response) => response.end("x".repeat(100)))
  .listen(0, "0.0.0.0", function () { console.log(this.address().port); });`;

let cluster: Cluster;
let daemon: Daemon;
let origin: ChildProcess;
let port: number;

before(async () => {
  cluster = startCluster();
  // Elsewhere in earnest: what the API server and etcd take from this machine must not be taken for the daemon's.
  for (const pid of cluster.of("KUBE_PIDS").split(",")) {
    for (const thread of readdirSync(`/proc/${pid}/task`))
      setPriority(Number(thread), constants.priority.PRIORITY_LOW);
  }
  // A process of its own, so that it answers while this one makes pods come and go.
  origin = spawn(process.execPath, ["-e", originProgram], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = (await once(origin.stdout!, "data")) as [Buffer];
  port = Number(said);
  for (const namespace of ["default", "elsewhere"]) {
    await each(services, (i) => storeSlice(cluster, `svc-${i}`, pods(i, 0), { namespace }));
  }
});

after(async () => {
  await daemon?.stop();
  origin?.kill();
  cluster?.stop();
});

/** The endpoints of a service: all of 127.0.0.0/8 leads to the one backend. Each round exchanges one of them. */
const pods = (service: number, round: number): Target[] =>
  Array.from({ length: endpointsEach }, (_, pod) => {
    const generation = pod === round % endpointsEach ? 1 + (round % 200) : 0;
    const ip = `127.${1 + Math.floor(service / 200)}.${service % 200}.${1 + pod + (generation % 20) * 11}`;
    return { ip, port };
  });

/** Runs `work` for 0 … count-1, 32 at a time. */
async function each(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: 32 }, lane));
}

/** The processor time that the daemon has used, in seconds; unlike time by the clock it does not tell of other programs. */
function processorSeconds(): number {
  const fields = readFileSync(`/proc/${daemon.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** What the admin server tells of memory, in megabytes. */
async function memory(): Promise<Record<"heap" | "external" | "resident", number>> {
  // The gauges of the heap are there from the first look on.
  await daemon.admin("/admin/metrics.json");
  const metrics = JSON.parse(await daemon.admin("/admin/metrics.json")) as Record<string, number>;
  const megabytes = (name: string): number => Math.round((metrics[name] ?? 0) / 1e5) / 10;
  return {
    heap: megabytes("jvm/heap/used"),
    external: megabytes("jvm/nonheap/used"),
    resident: megabytes("jvm/mem/current/used"),
  };
}

test(`${services} services are bound in time`, { timeout: 300_000 }, async () => {
  const startedAt = performance.now();
  daemon = await startDaemon(`
admin: {port: {adminPort}}
namers:
- kind: io.l5d.k8s
  host: 127.0.0.1
  port: ${new URL(cluster.of("KUBE_URL")).port}
  serviceAccount: ${cluster.of("KUBE_SERVICEACCOUNT")}
  endpointSlices: true
routers:
- protocol: http
  dtab: /svc => /#/io.l5d.k8s/default/http
  bindingTimeoutMs: 30000
  bindingCache: {paths: 4000, trees: 4000, bounds: 4000, clients: 4000}
  servers:
  - port: {port}
`);
  const readyMs = performance.now() - startedAt;
  const before = await memory();
  const processorBefore = processorSeconds();
  await each(services, async (i) => assert.equal((await daemon.ask(`svc-${i}`)).status, 200, `svc-${i}`));
  const boundMs = performance.now() - startedAt;
  const processor = (processorSeconds() - processorBefore).toFixed(1);
  console.log(`ready after ${Math.round(readyMs)} ms, all bound after ${Math.round(boundMs)} ms`);
  console.log(`processor time from then on: ${processor} s`);
  console.log("memory in MB, before and after:", before, await memory());
  assert.ok(boundMs < boundWithinMs, `${boundMs} ms`);
});

/** Load on one service for as long as a storm lasts, and what it cost the daemon. */
async function load(): Promise<Load & { readonly busy: number }> {
  const order: LoadOrder = { port: daemon.port, perSecond: requestsPerSecond, seconds: stormSeconds };
  const before = processorSeconds();
  hurry(daemon.pid, isWorker);
  hurry(origin.pid!);
  const seen = await new Promise<Load>((resolve, reject) => {
    const worker = new Worker(new URL("./load-worker.ts", import.meta.url), {
      name: "load",
      workerData: order,
    });
    worker.once("online", () => hurry(process.pid, (thread) => thread === "load"));
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return { ...seen, busy: (processorSeconds() - before) / stormSeconds };
}

/** Exchanges pods of one service after another, so many times a second; the updates that were made. */
async function churn(namespace: string): Promise<number> {
  const begun = performance.now();
  let made = 0;
  const inFlight = new Set<Promise<void>>();
  for (let elapsed = 0; elapsed < stormSeconds; elapsed = (performance.now() - begun) / 1000) {
    while (made < elapsed * updatesPerSecond && inFlight.size < 64) {
      const i = made % services;
      const done = storeSlice(cluster, `svc-${i}`, pods(i, 1 + made++), { namespace });
      inFlight.add(done);
      void done.finally(() => inFlight.delete(done));
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await Promise.all(inFlight);
  return made;
}

test("a storm of pods fails no request and leaves the data plane in peace", {
  timeout: 400_000,
}, async () => {
  const quiet = await load();
  // The same storm where nobody looks: what etcd and the API server take from the machine.
  const [elsewhere] = await Promise.all([load(), churn("elsewhere")]);
  const [storm, made] = await Promise.all([load(), churn("default")]);
  for (const [title, { requests, errors, p50Us, p99Us, busy }] of Object.entries({
    quiet,
    elsewhere,
    storm,
  })) {
    const us = `p50 ${Math.round(p50Us)} µs, p99 ${Math.round(p99Us)} µs`;
    console.log(
      `${title}: ${requests} requests, ${errors} errors, ${us}, processor ${(100 * busy).toFixed(1)} %`,
    );
  }
  console.log(`updates: ${made}; memory in MB:`, await memory());
  assert.deepEqual([quiet.errors, elsewhere.errors, storm.errors], [0, 0, 0]);
  // A busy machine makes fewer than were meant, but a storm it must be.
  assert.ok(made > 0.2 * updatesPerSecond * stormSeconds, `${made} updates`);
});
