/** The proxies of a benchmark while it runs: started for one job with one origin, and ended in any case. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePorts, statusOf } from "../../scripts/lib/ports.ts";
import { type Measured, start } from "./process.ts";
import type { Certificate, Target } from "./targets.ts";

/** How long a run is; rounds are interleaved over the targets. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
  /** 0 for any free port. */
  readonly originPort: number;
}

/** What of the job differs between benchmarks. */
export interface Setting {
  readonly names?: number;
  readonly tls?: boolean;
}

/** A target that runs and has answered. */
export interface Running {
  readonly target: Target;
  readonly port: number;
  readonly proxy: Measured;
  readonly readyMs: number;
}

/** Starts the origin and the targets, waits until each answers, and ends them all afterwards. */
export async function withAll<T>(
  targets: readonly Target[],
  effort: Effort,
  { names = 1, tls = false }: Setting,
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
    const certificate = tls ? makeCertificate(folder) : undefined;
    await answering(originPort, origin, "the origin", false);
    for (const [i, target] of targets.entries()) {
      const port = ports[i] ?? 0;
      const own = await mkdtemp(path.join(folder, `${target.name}-`));
      const job = { port, originPort, names, folder: own, tls: certificate };
      const begun = performance.now();
      const proxy = await target.start(job);
      running.push({ target, port, proxy, readyMs: 0 });
      await answering(port, proxy, target.name, tls);
      running[running.length - 1] = { target, port, proxy, readyMs: performance.now() - begun };
    }
    return await work(running);
  } finally {
    await Promise.all([origin, ...running.map(({ proxy }) => proxy)].map((child) => child.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

async function answering(port: number, proxy: Measured, name: string, tls: boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (let status: number | undefined; status !== 200; await sleep(2)) {
    status = await (tls ? secureStatusOf(port) : statusOf(port, "svc-0"));
    if (status === 200) return;
    if (proxy.alive() && performance.now() < deadline) continue;
    throw new Error(`${name} does not answer 200 (last: ${status ?? "nothing"}): ${proxy.output()}`);
  }
}

function secureStatusOf(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = { host: "127.0.0.1", port, headers: { host: "svc-0" }, rejectUnauthorized: false };
    https
      .get({ ...request, agent: false, timeout: 2_000 }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .on("timeout", () => resolve(undefined))
      .on("error", () => resolve(undefined));
  });
}

// On the curve that most certificates are on today, with which a handshake costs least.
function makeCertificate(folder: string): Certificate {
  const [cert, key, both] = ["cert", "key", "both"].map((name) => path.join(folder, `${name}.pem`)) as [
    string,
    string,
    string,
  ];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const files = ["-keyout", key, "-out", cert];
  execFileSync(
    "openssl",
    ["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=svc-0", ...curve, ...files],
    {
      stdio: "ignore",
    },
  );
  writeFileSync(both, readFileSync(cert, "utf8") + readFileSync(key, "utf8"));
  return { cert, key, both };
}
