/** The benchmarks that run load through whole proxies: what each sends, and how rounds become medians. */
import { setTimeout as sleep } from "node:timers/promises";
import { idleCallers } from "./idle-callers.ts";
import { fixedRate, type Load, wrk } from "./load.ts";
import { type Effort, withAll } from "./running.ts";
import type { Target } from "./targets.ts";

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
/** Before its first round each target has served so long at saturation: a host that has run for a day is warm. */
const warmSeconds = 3;
const idleCount = 10_000;
const memoryNames = 1_000;

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
  loadMacro("tls-keepalive", "as h1-keepalive, by TLS 1.3 on the listener", { connections: 64, tls: true }),
  workersMacro(),
  memoryMacro("memory", "resident memory: ready and idle, then under 64 connections", false),
  memoryMacro("memory-tls", "the same by TLS", true),
  idleMacro(),
  namesMemoryMacro(),
  readyMacro(),
];

interface LoadShape {
  readonly connections?: number;
  readonly perSecond?: number;
  readonly path?: string;
  readonly close?: boolean;
  readonly names?: number;
  readonly tls?: boolean;
}

function loadMacro(name: string, about: string, shape: LoadShape): Macro {
  const send = (port: number, seconds: number): Promise<Load> => {
    if (shape.perSecond !== undefined) return fixedRate(port, shape.perSecond, seconds);
    return saturate(port, seconds);
  };
  const saturate = (port: number, seconds: number): Promise<Load> => {
    const { connections = 64, names = 1, path: target = "/", close = false, tls = false } = shape;
    return wrk({ port, seconds, connections, names, path: target, close, tls });
  };
  const perGb = shape.path !== undefined;
  return {
    name,
    about,
    headline: perGb ? "CPU ms/GB" : cpuHeadline,
    run: (targets, effort, progress) =>
      withAll(targets, effort, shape, async (running) => {
        const rounds = new Map<string, Figures[]>(running.map(({ target }) => [target.name, []]));
        for (const { port } of running) await saturate(port, warmSeconds);
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

// On two cores with the load and the origin, throughput cannot show what a second worker gives. That it costs nothing can
// be shown: what two workers spend on a request is what one spends, so nothing is waited for and no line is fought over.
function workersMacro(): Macro {
  const name = "workers-2";
  const load = loadMacro(name, "as h1-keepalive, with one worker and with two", { connections: 64 });
  const twice = (target: Target): Target => ({
    ...target,
    name: `${target.name}-x2`,
    start: (job) => target.start({ ...job, workers: 2 }),
  });
  return {
    ...load,
    run: (targets, effort, progress) =>
      load.run(
        targets.filter((target) => target.name !== "http-proxy").flatMap((target) => [target, twice(target)]),
        effort,
        progress,
      ),
  };
}

function memoryMacro(name: string, about: string, tls: boolean): Macro {
  return {
    name,
    about,
    headline: "busy MB",
    run: (targets, effort, progress) =>
      withAll(targets, effort, { tls }, async (running) => {
        const result = new Map<string, Figures>();
        await sleep(1_000);
        for (const { target, port, proxy } of running) {
          const idle = proxy.residentMb();
          const seen: number[] = [];
          const sampler = setInterval(() => seen.push(proxy.residentMb()), 250);
          const seconds = effort.seconds * effort.rounds;
          await wrk({ port, seconds, connections: 64, names: 1, path: "/", close: false, tls });
          clearInterval(sampler);
          const figures = { "idle MB": idle, "busy MB": median(seen), "peak MB": Math.max(...seen) };
          result.set(target.name, figures);
          progress(`${name} ${target.name}: ${oneLine(figures)}`);
        }
        return result;
      }),
  };
}

function idleMacro(): Macro {
  return {
    name: "idle-connections",
    about: `resident memory with ${idleCount} callers that have asked once and keep their connections`,
    headline: "MB",
    run: (targets, effort, progress) =>
      withAll(targets, effort, {}, async (running) => {
        const result = new Map<string, Figures>();
        for (const { target, port, proxy } of running) {
          const before = proxy.residentMb();
          const callers = await idleCallers(port, idleCount);
          await sleep(2_000);
          const MB = proxy.residentMb();
          const perConnection = ((MB - before) * 1024) / callers.open;
          const figures = { open: callers.open, "before MB": before, MB, "KB/connection": perConnection };
          callers.close();
          result.set(target.name, figures);
          progress(`idle-connections ${target.name}: ${oneLine(figures)}`);
        }
        return result;
      }),
  };
}

function namesMemoryMacro(): Macro {
  return {
    name: "memory-names",
    about: `resident memory of ${memoryNames} services: after one is used, and after all are`,
    headline: "KB/service",
    run: (targets, effort, progress) =>
      withAll(targets, effort, { names: memoryNames }, async (running) => {
        const result = new Map<string, Figures>();
        for (const { target, port, proxy } of running) {
          const load = { port, seconds: warmSeconds, connections: 8, path: "/", close: false };
          await wrk({ ...load, names: 1 });
          const one = proxy.residentMb();
          await wrk({ ...load, names: memoryNames });
          const all = proxy.residentMb();
          const perService = ((all - one) * 1024) / memoryNames;
          const figures = { "one MB": one, "all MB": all, "KB/service": perService };
          result.set(target.name, figures);
          progress(`memory-names ${target.name}: ${oneLine(figures)}`);
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
          await withAll([target], effort, {}, async ([only]) => {
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
