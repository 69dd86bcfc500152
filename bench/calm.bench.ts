/**
 * Latency at a fixed rate, open loop: beside HAProxy's at half of what Pointsman can do, and with 3 000 services while it
 * is scraped, asked for pages and told of 200 changes of discovery a second, beside the same without all that.
 *
 * ROUNDS (5), SECONDS (10) and RATE (requests a second; half of the capacity unless given) may be set in the environment.
 * Rounds are interleaved, and the medians count. The targets (1.5 × HAProxy's p99.9, 1.1 × the quiet one) are told, and
 * judged with JUDGE=1: a machine that does something else as well cannot hold them. With REALTIME=1 (root alone may) load,
 * origin, HAProxy and Pointsman's workers go before everything else, its control thread included: as if that, and whatever
 * else there is, had cores of their own.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePorts, statusOf } from "../scripts/lib/ports.ts";
import { wrk } from "./lib/load.ts";
import { type Measured, start } from "./lib/process.ts";
import { hurry, isWorker, realtimeCommand } from "./lib/realtime.ts";
import { type Job, type Target, targets } from "./lib/targets.ts";

const rounds = Number(process.env["ROUNDS"] ?? 5);
const seconds = Number(process.env["SECONDS"] ?? 10);
const services = 3000;
const updatesPerSecond = 200;
const limits = { haproxy: 1.5, quiet: 1.1 };

const at = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const run = promisify(execFile);
const folder = mkdtempSync(path.join(tmpdir(), "pointsman-calm-"));

/** What the generator saw, in milliseconds. */
interface Seen {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** The same, from when a request was sent: without what kept the generator itself waiting. */
  readonly sent999: number;
  /** How late the generator itself was. */
  readonly late999: number;
  readonly errors: number;
}

async function openLoop(port: number, perSecond: number, names: number, length = seconds): Promise<Seen> {
  const args = [at("lib/open-loop.ts"), port, perSecond, length, names].map(String);
  const command = [...realtimeCommand, process.execPath, "--max-semi-space-size=16"];
  const { stdout } = await run(command[0]!, [...command.slice(1), ...args]);
  return JSON.parse(stdout) as Seen;
}

const median = (values: readonly number[]): number =>
  values.toSorted((x, y) => x - y)[values.length >> 1] ?? Number.NaN;

const columns = ["p50", "p99", "p999", "max", "sent999", "late999", "errors"] as const;

function medians(all: readonly Seen[]): Seen {
  return Object.fromEntries(columns.map((key) => [key, median(all.map((seen) => seen[key]))])) as never;
}

function show(name: string, seen: Seen): void {
  const shown = columns.map((key) => `${key} ${seen[key].toFixed(key === "errors" ? 0 : 2).padStart(6)}`);
  console.log(`  ${name.padEnd(22)} ${shown.join("  ")}`);
}

function judge(what: string, own: Seen, other: Seen, limit: number): void {
  const is = own.p999 / other.p999;
  const sent = (own.sent999 / other.sent999).toFixed(2);
  console.log(
    `  p99.9 is ${is.toFixed(2)} × ${what}, from when it was sent ${sent} ×; the target is ${limit}`,
  );
  if (is > limit && process.env["JUDGE"] === "1") process.exitCode = 1;
}

async function answers(port: number, child: Measured): Promise<void> {
  while ((await statusOf(port, "svc-0")) !== 200) {
    if (!child.alive()) throw new Error(`it did not start: ${child.output()}`);
    await sleep(20);
  }
}

const [originPort, ...ports] = (await freePorts(4)) as [number, ...number[]];
const origin = start(process.execPath, [at("lib/origin.ts"), String(originPort)]);
const known = (name: string): Target => targets([]).find((target) => target.name === name)!;
const jobOf = (port: number, names: number): Job => ({
  port,
  originPort,
  names,
  folder: mkdtempSync(path.join(folder, "job-")),
});

async function besideHaproxy(): Promise<number> {
  const running: { readonly name: string; readonly port: number; readonly child: Measured }[] = [];
  for (const [i, name] of ["pointsman", "haproxy"].entries()) {
    const target = known(name);
    if (target.missing !== undefined) {
      console.log(`  not run: ${name} (${target.missing})`);
      continue;
    }
    const port = ports[i]!;
    const child = await target.start(jobOf(port, 1));
    running.push({ name, port, child });
    await answers(port, child);
    hurry(child.pid, name === "pointsman" ? isWorker : undefined);
  }
  try {
    const load = { connections: 64, names: 1, path: "/", close: false };
    for (const { port } of running) await wrk({ ...load, port, seconds: 3 });
    const { requests, seconds: took } = await wrk({ ...load, port: running[0]!.port, seconds: 4 });
    const capacity = requests / took;
    const rate = Number(process.env["RATE"] ?? Math.round(capacity / 2));
    console.log(`calm: ${rate} requests a second, of ${Math.round(capacity)} at most; milliseconds`);
    const seen = new Map(running.map(({ name }) => [name, [] as Seen[]]));
    for (let round = 0; round < rounds; round++) {
      for (const { name, port } of running) seen.get(name)!.push(await openLoop(port, rate, 1));
    }
    for (const { name } of running) show(name, medians(seen.get(name)!));
    const [own, other] = running.map(({ name }) => medians(seen.get(name)!));
    if (own !== undefined && other !== undefined) {
      judge("HAProxy's", own, other, limits.haproxy);
    }
    return rate;
  } finally {
    await Promise.all(running.map(({ child }) => child.stop()));
  }
}

/** Scrapes, pages and changes, until the signal. */
async function unrest(admin: number, disco: string, signal: AbortSignal): Promise<number> {
  let updates = 0;
  const begun = performance.now();
  const get = async (page: string): Promise<void> => {
    await (await fetch(`http://127.0.0.1:${admin}${page}`, { signal })).arrayBuffer();
  };
  const every = async (ms: number, work: () => Promise<void>): Promise<void> => {
    while (!signal.aborted) {
      const next = performance.now() + ms;
      await work().catch(() => {});
      await sleep(Math.max(0, next - performance.now()), undefined, { signal }).catch(() => {});
    }
  };
  await Promise.all([
    every(1000, () => get("/admin/metrics.json")),
    every(1000, () => get("/")),
    every(1000, () => get("/delegator.json?path=/svc/svc-1&router=http")),
    every(50, async () => {
      while (updates < ((performance.now() - begun) / 1000) * updatesPerSecond) {
        const file = path.join(disco, `svc-${(updates * 7) % services}`);
        // Another address of the same endpoint comes and goes.
        const more = updates % 2 === 0 ? `127.0.0.2 ${originPort}\n` : "";
        await writeFile(`${folder}/next`, `127.0.0.1 ${originPort}\n${more}`);
        await rename(`${folder}/next`, file);
        updates++;
        if (signal.aborted) return;
      }
    }),
  ]);
  return updates;
}

async function besideQuiet(rate: number): Promise<void> {
  const job = jobOf(ports[2]!, services);
  const child = await known("pointsman").start(job);
  try {
    await answers(job.port, child);
    hurry(child.pid, isWorker);
    const admin = Number(/"port":(\d+)[^\n]*"serving admin"/.exec(child.output())?.[1]);
    // Every name is bound, every series is there, and the pages are loaded.
    await openLoop(job.port, 500, services, services / 250);
    const quiet: Seen[] = [];
    const loud: Seen[] = [];
    let updates = 0;
    for (let round = 0; round < rounds; round++) {
      quiet.push(await openLoop(job.port, rate, services));
      const stop = new AbortController();
      const made = unrest(admin, path.join(job.folder, "disco"), stop.signal);
      await sleep(500);
      loud.push(await openLoop(job.port, rate, services));
      stop.abort();
      updates += await made;
    }
    console.log(`calm with ${services} services: ${rate} requests a second, ${updates} updates`);
    show("quiet", medians(quiet));
    show("scrapes, pages, updates", medians(loud));
    judge("the quiet one", medians(loud), medians(quiet), limits.quiet);
  } finally {
    await child.stop();
  }
}

try {
  await answers(originPort, origin);
  hurry(origin.pid);
  const rate = await besideHaproxy();
  await besideQuiet(Math.round(rate / 2));
} finally {
  await origin.stop();
  rmSync(folder, { recursive: true });
}
