/**
 * Metrics in shared memory, the writing side: used in every data worker and, for its own series, in the control thread.
 *
 * Memory comes in blocks of shared pages (metrics-space.ts). A page of 512 words of 64 bits holds counters and gauges, a
 * `Float64` word each, or heads of distributions, or flows, or segments of buckets: a distribution takes as many as it has
 * met powers of two. A block's number, and where a series lies in it, travel to the reader as `MetricsChange`s, one batch
 * a turn. Word 0 of block 0 belongs to the reader: it counts the batches it has applied, and memory of an ended series
 * is used again only when the batch that says so has been.
 *
 * Each word has one writer, so nothing here is atomic; `incr`, `set`, `add` and `record` make no garbage.
 */
import type { Counter, Flow, Gauge, MetricsScope, Stat } from "../../plugins/contract.ts";
import type { MetricsChange } from "./messages.ts";
import { Memory, type MetricsOptions, type Placed } from "./metrics-blocks.ts";
import type { Cell, CellType, FlowCell, Histogram, Word } from "./metrics-cells.ts";

export type { MetricsOptions } from "./metrics-blocks.ts";

/** Opens a metrics memory; `emit` is given every change of its layout, in order, before anything reads it. */
export const createMetrics = (
  emit: (changes: MetricsChange[]) => void,
  options: MetricsOptions = {},
): MetricsScope => new ScopeNode(new Memory(emit, options), undefined, "");

/** Series of a scope that are looked for one by one; a client has some thirty. */
const mostInChain = 64;

class ScopeNode implements MetricsScope, Placed {
  readonly #memory: Memory;
  readonly #parent: ScopeNode | undefined;
  readonly #element: string;
  #children: Map<string, ScopeNode> | undefined;
  /** The latest first. */
  #series: Cell | undefined;
  #count = 0;
  /** The same by type and name, where there are many. */
  #index: Map<string, Cell> | undefined;
  #closed = false;

  constructor(memory: Memory, parent: ScopeNode | undefined, element: string) {
    this.#memory = memory;
    this.#parent = parent;
    this.#element = element;
  }

  path(): readonly string[] {
    return this.#parent === undefined ? [] : [...this.#parent.path(), this.#element];
  }

  scope(...elements: string[]): MetricsScope {
    let node: ScopeNode = this;
    for (const element of elements) {
      let child = node.#children?.get(element);
      if (child === undefined) {
        child = new ScopeNode(this.#memory, node, element);
        // Whoever still holds an ended scope gets series that go nowhere, instead of ones that nobody would end.
        if (node.#closed) child.#closed = true;
        else (node.#children ??= new Map()).set(element, child);
      }
      node = child;
    }
    return node;
  }

  counter(name: string): Counter {
    return this.#take("counter", name) as Word;
  }

  gauge(name: string): Gauge {
    return this.#take("gauge", name) as Word;
  }

  stat(name: string): Stat {
    return this.#take("stat", name) as Histogram;
  }

  flow(): Flow {
    return this.#take("flow", "") as FlowCell;
  }

  close(): void {
    if (this.#closed) return;
    if (this.#end()) this.#memory.removed(this);
    if (this.#parent === undefined)
      this.#closed = false; // The root may be filled again.
    else this.#parent.#children?.delete(this.#element);
  }

  #take(type: CellType, name: string): Cell {
    const known = this.#find(type, name);
    if (known !== undefined) return known;
    if (this.#closed) return this.#memory.nowhere(type);
    const cell = this.#memory.add(type, this, name);
    cell.next = this.#series;
    this.#series = cell;
    this.#count += 1;
    if (this.#index !== undefined) this.#index.set(keyOf(cell), cell);
    else if (this.#count > mostInChain)
      this.#index = new Map(this.#chain().map((each) => [keyOf(each), each]));
    return cell;
  }

  #find(type: CellType, name: string): Cell | undefined {
    if (this.#index !== undefined) return this.#index.get(keyOf({ type, name }));
    let cell = this.#series;
    while (cell !== undefined && (cell.name !== name || cell.type !== type)) cell = cell.next;
    return cell;
  }

  #chain(): Cell[] {
    const all: Cell[] = [];
    for (let cell = this.#series; cell !== undefined; cell = cell.next) all.push(cell);
    return all;
  }

  /** Ends everything below; true if there was anything. */
  #end(): boolean {
    this.#closed = true;
    let any = this.#count > 0;
    for (const child of this.#children?.values() ?? []) any = child.#end() || any;
    for (const cell of this.#chain()) {
      this.#memory.free(cell);
      cell.next = undefined;
    }
    this.#children = undefined;
    this.#series = undefined;
    this.#index = undefined;
    this.#count = 0;
    return any;
  }
}

const keyOf = ({ type, name }: { readonly type: CellType; readonly name: string }): string =>
  `${type} ${name}`;
