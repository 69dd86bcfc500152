/** The benchmarks that run load through whole proxies: what each sends, and how rounds become medians. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePorts, statusOf } from "../../scripts/lib/ports.ts";
import { fixedRate, type Load, wrk } from "./load.ts";
import { type Measured, start } from "./process.ts";
import type { Target } from "./targets.ts";

/** How long a run is; rounds are interleaved over the targets. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
  /** 0 for any free port. */
  readonly originPort: number;
}

/** Figures of one target in one benchmark, by the name of the column. */
export type Figures = Readonly<Record<string, number>>;

/** One benchmark of whole proxies. */
export interface Macro {
  readonly name: string;
  readonly about: string;
  /** The column of which the ratio to the better of nginx and HAProxy is printed. */
  readonly headline: string;
  run(
    targets: readonly Target[],
    effort: Effort,
    progress: (line: string) => void,
  ): Promise<Map<string, Figures>>;
}

const cpuHeadline = "CPU µs/request";

/** Every macro benchmark, in the order in which all are run. */
export const macros: readonly Macro[] = [
  loadMacro("h1-keepalive", "64 keep-alive connections, 100-byte answers, as fast as it goes", {
    connections: 64,
  }),
  loadMacro("h1-rate", "1 000 requests a second, where a host spends its days", { perSecond: 1_000 }),
  loadMacro("h1-stream", "answers of 1 MB over 8 connections", { connections: 8, path: "/1m" }),
  loadMacro("h1-newconn", "a new connection for every request", { connections: 64, close: true }),
  loadMacro("names-1000", "1 000 services in turn, each with its own pool", {
    connections: 64,
    names: 1_000,
  }),
  memoryMacro(),
  readyMacro(),
];

interface LoadShape {
  readonly connections?: number;
  readonly perSecond?: number;
  readonly path?: string;
  readonly close?: boolean;
  readonly names?: number;
}

function loadMacro(name: string, about: string, shape: LoadShape): Macro {
  const send = (port: number, seconds: number): Promise<Load> => {
    if (shape.perSecond !== undefined) return fixedRate(port, shape.perSecond, seconds);
    const { connections = 64, names = 1, path: target = "/", close = false } = shape;
    return wrk({ port, seconds, connections, names, path: target, close });
  };
  const perGb = shape.path !== undefined;
  return {
    name,
    about,
    headline: perGb ? "CPU ms/GB" : cpuHeadline,
    run: (targets, effort, progress) =>
      withAll(targets, effort, shape.names ?? 1, async (running) => {
        const rounds = new Map<string, Figures[]>(running.map(({ target }) => [target.name, []]));
        for (const { port } of running) await send(port, Math.max(2, effort.seconds / 2));
        for (let round = 1; round <= effort.rounds; round++) {
          for (const { target, port, proxy } of running) {
            const before = proxy.cpuUs();
            const load = await send(port, effort.seconds);
            if (!proxy.alive()) throw new Error(`${target.name} ended under load: ${proxy.output()}`);
            const cpuUs = proxy.cpuUs() - before;
            const figures = { ...cost(load, cpuUs, perGb), "RSS MB": proxy.residentMb() };
            rounds.get(target.name)?.push(figures);
            progress(`${name} round ${round}/${effort.rounds} ${target.name}: ${oneLine(figures)}`);
          }
        }
        return new Map([...rounds].map(([target, all]) => [target, medians(all)]));
      }),
  };
}

function cost(load: Load, cpuUs: number, perGb: boolean): Figures {
  const latency = { "p50 ms": load.p50Us / 1000, "p99 ms": load.p99Us / 1000, errors: load.errors };
  if (!perGb)
    return { [cpuHeadline]: cpuUs / load.requests, "requests/s": load.requests / load.seconds, ...latency };
  return {
    "CPU ms/GB": cpuUs / 1000 / (load.bytes / 2 ** 30),
    "MB/s": load.bytes / 2 ** 20 / load.seconds,
    ...latency,
  };
}

function memoryMacro(): Macro {
  return {
    name: "memory",
    about: "resident memory: ready and idle, then under 64 connections",
    headline: "busy MB",
    run: (targets, effort, progress) =>
      withAll(targets, effort, 1, async (running) => {
        const result = new Map<string, Figures>();
        await sleep(1_000);
        for (const { target, port, proxy } of running) {
          const idle = proxy.residentMb();
          const seen: number[] = [];
          const sampler = setInterval(() => seen.push(proxy.residentMb()), 250);
          const seconds = effort.seconds * effort.rounds;
          await wrk({ port, seconds, connections: 64, names: 1, path: "/", close: false });
          clearInterval(sampler);
          const figures = { "idle MB": idle, "busy MB": median(seen), "peak MB": Math.max(...seen) };
          result.set(target.name, figures);
          progress(`memory ${target.name}: ${oneLine(figures)}`);
        }
        return result;
      }),
  };
}

function readyMacro(): Macro {
  return {
    name: "ready",
    about: "from the start of the process to the first 200 from the origin",
    headline: "ready ms",
    async run(targets, effort, progress) {
      const rounds = new Map<string, Figures[]>(targets.map((target) => [target.name, []]));
      for (let round = 0; round < Math.max(5, effort.rounds); round++) {
        for (const target of targets) {
          await withAll([target], effort, 1, async ([only]) => {
            rounds.get(target.name)?.push({ "ready ms": only?.readyMs ?? Number.NaN });
          });
        }
      }
      const result = new Map([...rounds].map(([target, all]) => [target, medians(all)]));
      for (const [target, figures] of result) progress(`ready ${target}: ${oneLine(figures)}`);
      return result;
    },
  };
}

interface Running {
  readonly target: Target;
  readonly port: number;
  readonly proxy: Measured;
  readonly readyMs: number;
}

/** Starts the origin and the targets, waits until each answers, and ends them all afterwards. */
async function withAll<T>(
  targets: readonly Target[],
  effort: Effort,
  names: number,
  work: (running: Running[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "bench-"));
  const [freePort = 0, ...ports] = await freePorts(targets.length + 1);
  const originPort = effort.originPort || freePort;
  const origin = start(process.execPath, [
    fileURLToPath(new URL("origin.ts", import.meta.url)),
    String(originPort),
  ]);
  const running: Running[] = [];
  try {
    await answering(originPort, origin, "the origin");
    for (const [i, target] of targets.entries()) {
      const port = ports[i] ?? 0;
      const own = await mkdtemp(path.join(folder, `${target.name}-`));
      const job = { port, originPort, names, folder: own };
      const begun = performance.now();
      const proxy = await target.start(job);
      running.push({ target, port, proxy, readyMs: 0 });
      await answering(port, proxy, target.name);
      running[running.length - 1] = { target, port, proxy, readyMs: performance.now() - begun };
    }
    return await work(running);
  } finally {
    await Promise.all([origin, ...running.map(({ proxy }) => proxy)].map((child) => child.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

async function answering(port: number, proxy: Measured, name: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (let status: number | undefined; status !== 200; await sleep(2)) {
    status = await statusOf(port, "svc-0");
    if (status === 200) return;
    if (proxy.alive() && performance.now() < deadline) continue;
    throw new Error(`${name} does not answer 200 (last: ${status ?? "nothing"}): ${proxy.output()}`);
  }
}

function medians(rounds: readonly Figures[]): Figures {
  const columns = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(
    columns.map((column) => [column, median(rounds.map((round) => round[column] ?? Number.NaN))]),
  );
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}

const oneLine = (figures: Figures): string =>
  Object.entries(figures)
    .map(([column, value]) => `${shown(value)} ${column}`)
    .join(", ");

/** A figure with as many digits as it deserves. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  return value >= 100 ? String(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
}
