/**
 * The reading side of the metrics memories: the series of all workers, merged by name.
 *
 * Counters, gauges and distributions of the same name are summed. What a worker ends is folded into a base while another
 * worker still has it, and goes with the last one. What a worker that died had counted stays, so that counters do not go
 * down; gauges fall by its share. The series are objects that live as long as the name does.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { MetricSeries, MetricsReader } from "../../plugins/contract.ts";
import type { MetricsChange } from "../shared/messages.ts";
import { type Block, blockOf, offsetBits } from "../shared/metrics-space.ts";
import {
  ComputedGauge,
  CounterSeries,
  GaugeSeries,
  type Series,
  StatSeries,
  type Writer,
} from "./metrics-series.ts";
import { Scope, Walk } from "./metrics-tree.ts";

/** One memory that the store reads. */
export interface MetricsSource {
  /** Takes in what the writer emitted; exactly once and in order. */
  apply(changes: readonly MetricsChange[]): void;
  /** The writer is gone: its gauges drop, its counts stay. */
  end(): void;
}

/** Distributions summarised in one step. */
const stepSize = 50;

/** How many intervals what a dead worker counted is kept when no other worker takes the name up again. */
const orphanIntervals = 10;

/** Names of series that are kept once; beyond that many they are not those of this program. */
const mostNames = 5000;

/** The series of all planes. */
export class MetricsStore implements MetricsReader {
  readonly #root = new Scope();
  readonly #stats = new Set<StatSeries>();
  /** Series that dead workers have left, and since which interval. */
  readonly #orphans = new Map<Series, number>();
  readonly #names = new Map<string, string>();
  #all: readonly MetricSeries[] | undefined;
  #interval = 0;

  /** Every series, sorted by name; the array is the same until one begins or ends. */
  series(): readonly MetricSeries[] {
    if (this.#all === undefined) {
      const all: MetricSeries[] = [];
      const walk = this.walk();
      for (let series = walk.next(); series !== undefined; series = walk.next()) all.push(series);
      this.#all = all;
    }
    return this.#all;
  }

  /** Goes through the same one by one; `show` is applied to the elements of their paths. */
  walk(show?: (text: string) => string): Walk {
    return new Walk(this.#root, show);
  }

  /** The value of a counter or a gauge; undefined if there is none. */
  value(type: "counter" | "gauge", scopes: readonly string[], name: string): number | undefined {
    const found = this.#root.find(scopes)?.series(type, name);
    return found === undefined || found.type === "stat" ? undefined : found.value;
  }

  /** Takes on another memory. */
  source(): MetricsSource {
    const blocks: Block[] = [];
    const writer: Writer = { blocks };
    let batches = 0;
    return {
      apply: (changes) => {
        for (const change of changes) {
          if (change.change === "block") blocks.push(blockOf(change.memory));
          else if (change.change === "add") this.#join(writer, change);
          else this.#leave(writer, change.scopes, false);
        }
        // The writer may use again what ended in these batches.
        batches += 1;
        if (blocks.length > 0) blocks[0]!.words[0] = batches;
      },
      end: () => this.#leave(writer, [], true),
    };
  }

  /** Adds a gauge that is computed when it is read. */
  computed(scopes: readonly string[], name: string, read: () => number): void {
    const scope = this.#root.open(scopes);
    scope.add(new ComputedGauge(scope, name, read));
    this.#all = undefined;
  }

  /** Removes the computed gauges below some scopes. */
  removeComputed(scopes: readonly string[]): void {
    this.#root.find(scopes)?.each((leaf) => {
      if (leaf instanceof ComputedGauge) this.#root.find(leaf.scopes)?.remove(leaf);
    });
    this.#all = undefined;
  }

  /** Ends a snapshot interval at once. */
  closeInterval(): void {
    for (const _ of this.intervalSteps());
  }

  /** The same with turns of the event loop in between: bindings must not wait for it. */
  async closeIntervalInTurns(): Promise<void> {
    for (const _ of this.intervalSteps()) await turn();
  }

  /** Ends a snapshot interval, in which every distribution gets its summary, in steps of less than a millisecond. */
  *intervalSteps(): Generator<void> {
    this.#interval += 1;
    let done = 0;
    for (const series of this.#stats) {
      series.closeInterval();
      if (++done % stepSize === 0) yield;
    }
    for (const [series, since] of this.#orphans)
      if (this.#interval - since >= orphanIntervals) this.#remove(series);
  }

  #join(
    writer: Writer,
    { type, scopes, name, block, offset }: Extract<MetricsChange, { change: "add" }>,
  ): void {
    const scope = this.#root.open(scopes);
    const series = scope.series(type, name) ?? this.#create(type, scope, name);
    this.#orphans.delete(series);
    // Not a product, which V8 keeps as a number in memory of its own.
    series.join(writer, (block << offsetBits) | offset);
  }

  #create(type: Series["type"], scope: Scope, name: string): Series {
    const series = create(type, scope, this.#sameName(name));
    scope.add(series);
    if (series.type === "stat") this.#stats.add(series);
    this.#all = undefined;
    return series;
  }

  /** What comes from a worker is another copy of the text each time. */
  #sameName(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#names.size >= mostNames) this.#names.clear();
    this.#names.set(name, name);
    return name;
  }

  /** A writer ends what it has below some scopes. */
  #leave(writer: Writer, scopes: readonly string[], died: boolean): void {
    this.#root.find(scopes)?.each((series) => {
      if (series instanceof ComputedGauge || series.leave(writer) === undefined || !series.isOrphan) return;
      if (died && series.type !== "gauge") this.#orphans.set(series, this.#interval);
      else this.#remove(series);
    });
  }

  #remove(series: Series): void {
    this.#orphans.delete(series);
    if (series.type === "stat") this.#stats.delete(series);
    this.#root.find(series.scopes)?.remove(series);
    this.#all = undefined;
  }
}

const create = (type: Series["type"], scope: Scope, name: string): Series => {
  switch (type) {
    case "counter":
      return new CounterSeries(scope, name);
    case "gauge":
      return new GaugeSeries(scope, name);
    case "stat":
      return new StatSeries(scope, name);
  }
};

/** Scopes and name joined by `/`. */
export const fullName = (series: MetricSeries): string => [...series.scopes, series.name].join("/");
