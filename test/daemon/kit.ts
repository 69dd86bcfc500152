/** What tests of the control plane share: a log that is kept, a clock that stands, metrics that go nowhere. */
import { createMetrics } from "../../daemon/shared/metrics-memory.ts";
import type { Clock, Logger, MetricsScope } from "../../plugins/contract.ts";

/** A log line as it was written. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** A log that keeps its lines. */
export const memoryLog = (): Logger & { readonly lines: LogLine[] } => {
  const lines: LogLine[] = [];
  const at = (level: LogLine["level"]) => (message: string, fields?: LogLine["fields"]) =>
    void lines.push({ level, message, fields });
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
};

/** A clock that stands unless it is set; sleepers wake when they are aborted. */
export const fakeClock = (): Clock & { nowMs: number } => ({
  nowMs: 0,
  now() {
    return this.nowMs;
  },
  sleep: (_, signal) =>
    new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true })),
});

/** Metrics that nobody reads. */
export const noMetrics: MetricsScope = createMetrics(() => {});
