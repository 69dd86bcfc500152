/**
 * The reading side of the metrics memories: the series of all workers, merged by name.
 *
 * Counters, gauges and distributions of the same name are summed. What a worker ends is folded into a base while another
 * worker still has it, and goes with the last one. What a worker that died had counted stays, so that counters do not go
 * down; gauges fall by its share. The series are objects that live as long as the name does: a telemeter may hang what
 * it renders on them.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { MetricSeries, MetricsReader } from "../../plugins/contract.ts";
import type { MetricsChange } from "../shared/messages.ts";
import { type Block, blockOf } from "../shared/metrics-space.ts";
import {
  ComputedGauge,
  CounterSeries,
  GaugeSeries,
  type Part,
  type Series,
  StatSeries,
} from "./metrics-series.ts";

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

/** The series of all planes. */
export class MetricsStore implements MetricsReader {
  readonly #series = new Map<string, Series>();
  readonly #computed: ComputedGauge[] = [];
  readonly #orphans = new Map<string, number>();
  #sorted: readonly MetricSeries[] | undefined;
  #interval = 0;

  /** Every series, sorted by name; the array is the same until one begins or ends. */
  series(): readonly MetricSeries[] {
    this.#sorted ??= [...this.#series.values(), ...this.#computed].sort(byName);
    return this.#sorted;
  }

  /** Takes on another memory. */
  source(): MetricsSource {
    return new Source(
      (type, scopes, name, part) => this.#join(type, scopes, name, part),
      (series, part, died) => this.#leave(series, part, died),
    );
  }

  /** Adds a gauge that is computed when it is read. */
  computed(scopes: readonly string[], name: string, read: () => number): void {
    this.#computed.push(new ComputedGauge(scopes, name, read));
    this.#sorted = undefined;
  }

  /** Removes the computed gauges below some scopes. */
  removeComputed(scopes: readonly string[]): void {
    const kept = this.#computed.filter((gauge) => !scopes.every((scope, i) => gauge.scopes[i] === scope));
    this.#computed.splice(0, this.#computed.length, ...kept);
    this.#sorted = undefined;
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
    for (const series of this.#series.values()) {
      if (series.type !== "stat") continue;
      series.closeInterval();
      if (++done % stepSize === 0) yield;
    }
    for (const [key, since] of this.#orphans) {
      if (this.#interval - since < orphanIntervals) continue;
      this.#orphans.delete(key);
      this.#series.delete(key);
      this.#sorted = undefined;
    }
  }

  #join(type: Series["type"], scopes: readonly string[], name: string, part: Part): Series {
    const key = keyOf(type, scopes, name);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = create(type, scopes, name);
      this.#series.set(key, series);
      this.#sorted = undefined;
    }
    this.#orphans.delete(key);
    series.join(part);
    return series;
  }

  #leave(series: Series, part: Part, died: boolean): void {
    series.leave(part);
    if (series.parts.length > 0) return;
    const key = keyOf(series.type, series.scopes, series.name);
    if (died && series.type !== "gauge") {
      this.#orphans.set(key, this.#interval);
    } else {
      this.#series.delete(key);
      this.#sorted = undefined;
    }
  }
}

const create = (type: Series["type"], scopes: readonly string[], name: string): Series => {
  switch (type) {
    case "counter":
      return new CounterSeries(scopes, name);
    case "gauge":
      return new GaugeSeries(scopes, name);
    case "stat":
      return new StatSeries(scopes, name);
  }
};

const keyOf = (type: string, scopes: readonly string[], name: string): string =>
  `${scopes.join("\0")}\0\0${name}\0${type}`;

const byName = (a: MetricSeries, b: MetricSeries): number => {
  const left = fullName(a);
  const right = fullName(b);
  return left < right ? -1 : left > right ? 1 : 0;
};

const names = new WeakMap<MetricSeries, string>();

/** Scopes and name joined by `/`; kept with the series. */
export const fullName = (series: MetricSeries): string => {
  let name = names.get(series);
  if (name === undefined) {
    name = [...series.scopes, series.name].join("/");
    names.set(series, name);
  }
  return name;
};

// === One memory ===

interface Node {
  readonly children: Map<string, Node>;
  readonly held: { readonly series: Series; readonly part: Part }[];
}

type Join = (type: Series["type"], scopes: readonly string[], name: string, part: Part) => Series;
type Leave = (series: Series, part: Part, died: boolean) => void;

class Source implements MetricsSource {
  readonly #join: Join;
  readonly #leave: Leave;
  readonly #blocks: Block[] = [];
  #root: Node = newNode();
  #batches = 0;

  constructor(join: Join, leave: Leave) {
    this.#join = join;
    this.#leave = leave;
  }

  apply(changes: readonly MetricsChange[]): void {
    for (const change of changes) {
      switch (change.change) {
        case "block":
          this.#blocks.push(blockOf(change.memory));
          break;
        case "add": {
          const part: Part = { ...this.#blocks[change.block]!, blocks: this.#blocks, offset: change.offset };
          const series = this.#join(change.type, change.scopes, change.name, part);
          this.#node(change.scopes).held.push({ series, part });
          break;
        }
        case "remove":
          this.#remove(change.scopes);
          break;
      }
    }
    // The writer may use again what ended in these batches.
    this.#batches += 1;
    if (this.#blocks.length > 0) this.#blocks[0]!.words[0] = this.#batches;
  }

  end(): void {
    this.#drop(this.#root, true);
    this.#root = newNode();
  }

  #node(scopes: readonly string[]): Node {
    let node = this.#root;
    for (const scope of scopes) {
      let child = node.children.get(scope);
      if (child === undefined) node.children.set(scope, (child = newNode()));
      node = child;
    }
    return node;
  }

  #remove(scopes: readonly string[]): void {
    let node = this.#root;
    let parent: Node | undefined;
    for (const scope of scopes) {
      const child = node.children.get(scope);
      if (child === undefined) return;
      parent = node;
      node = child;
    }
    this.#drop(node, false);
    if (parent === undefined) this.#root = newNode();
    else parent.children.delete(scopes.at(-1)!);
  }

  #drop(node: Node, died: boolean): void {
    for (const { series, part } of node.held) this.#leave(series, part, died);
    for (const child of node.children.values()) this.#drop(child, died);
  }
}

const newNode = (): Node => ({ children: new Map(), held: [] });
