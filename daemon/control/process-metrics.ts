/** What the process itself uses, under the names that Linkerd 1's dashboards know (`jvm/…`). */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { monitorEventLoopDelay, PerformanceObserver, performance } from "node:perf_hooks";
import type { MetricsStore } from "./metrics-store.ts";
import { fileLimit, openFiles } from "./open-files.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** Adds the gauges of the process; the returned function ends what they need. */
export const addProcessMetrics = (store: MetricsStore): (() => void) => {
  const gauge = (scopes: readonly string[], name: string, read: () => number): void =>
    store.computed(["jvm", ...scopes], name, read);
  gauge([], "start_time", () => Math.round(performance.timeOrigin));
  gauge([], "uptime", () => Math.round(performance.now()));
  gauge([], "num_cpus", availableParallelism);
  // Only Linux tells these; elsewhere they are left out.
  if (openFiles() !== undefined) {
    gauge([], "fd_count", () => openFiles() ?? 0);
    gauge([], "fd_limit", fileLimit);
    gauge(["mem", "current"], "used", residentBytes);
  }

  const gc = { cycles: 0, ms: 0 };
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      gc.cycles += 1;
      gc.ms += entry.duration;
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  gauge(["gc"], "cycles", () => gc.cycles);
  gauge(["gc"], "msec", () => Math.round(gc.ms));

  // Four times a second, for each time wakes the thread up where there is nothing else to do.
  const resolution = 250;
  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  store.computed(["control"], "event_loop_lag_ms", () => {
    // Since the last reading; the resolution itself is part of what is measured.
    const worst = delay.count === 0 ? 0 : Math.max(0, delay.max / 1e6 - resolution);
    delay.reset();
    return Math.round(worst * 1000) / 1000;
  });
  return () => {
    observer.disconnect();
    delay.disable();
  };
};

/** Adds the gauges of the workers. */
export const addWorkerMetrics = (store: MetricsStore, pool: WorkerPool, size: number): void => {
  store.computed(["workers"], "ready", () => pool.readyCount);
  for (let id = 0; id < size; id += 1) {
    store.computed(["workers", `${id}`], "busy", () => {
      const share = pool.worker(id)?.utilization() ?? 0;
      return Math.round(share * 10_000) / 10_000;
    });
  }
};

const residentBytes = (): number => {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return kilobytes === undefined ? 0 : Number(kilobytes) * 1024;
};
