/** Metrics that a test can read. */
import type { MetricsScope } from "../../plugins/contract.ts";

/** A scope that remembers what it was told. */
export interface RecordedMetrics extends MetricsScope {
  /** A counter or gauge by its scopes and name, joined by `/`; undefined where there is none, or none any more. */
  value(name: string): number | undefined;
}

/** Makes one. */
export function recordedMetrics(): RecordedMetrics {
  const values = new Map<string, number>();
  const scope = (prefix: string): MetricsScope => {
    const add = (name: string) => (delta: number) => {
      values.set(prefix + name, (values.get(prefix + name) ?? 0) + delta);
    };
    return {
      scope: (...elements) => scope(`${prefix}${elements.join("/")}/`),
      counter: (name) => ({ incr: (by = 1) => add(name)(by) }),
      gauge: (name) => ({ set: (value) => void values.set(prefix + name, value), add: add(name) }),
      stat: () => ({ record() {} }),
      flow: () => ({
        begin: () => add("pending")(1),
        end(success) {
          add("pending")(-1);
          add("requests")(1);
          if (success) add("success")(1);
        },
        drop: () => add("pending")(-1),
      }),
      close() {
        for (const key of values.keys()) if (key.startsWith(prefix)) values.delete(key);
      },
    };
  };
  return { ...scope(""), value: (name) => values.get(name) };
}
