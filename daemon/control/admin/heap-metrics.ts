/** The heap of the control thread, from the first look at the admin pages on: `node:v8` alone takes 3 MB. */
import { getHeapStatistics } from "node:v8";
import type { MetricsStore } from "../metrics-store.ts";

/** Adds the gauges. */
export const addHeapMetrics = (store: MetricsStore): void => {
  const gauge = (scope: string, name: string, read: () => number): void =>
    store.computed(["jvm", scope], name, read);
  gauge("heap", "used", () => getHeapStatistics().used_heap_size);
  gauge("heap", "committed", () => getHeapStatistics().total_heap_size);
  gauge("heap", "max", () => getHeapStatistics().heap_size_limit);
  gauge("nonheap", "used", () => getHeapStatistics().external_memory);
};
