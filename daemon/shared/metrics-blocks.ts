/** The memory behind a writer's series: gives each its place, takes it back, and tells the reader. */
import type { MetricsChange } from "./messages.ts";
import { type Cell, type CellType, FlowCell, Histogram, Word } from "./metrics-cells.ts";
import { flowLayout, MetricsSpace, octaves, offsetBits, offsetMask, statLayout } from "./metrics-space.ts";

/** How a metrics memory is kept. */
export interface MetricsOptions {
  /** How many series may live at once; further ones share the series `_overflow`. Default 200 000. */
  readonly seriesBudget?: number;
  /** Called once, when the budget is first used up. */
  readonly onOverflow?: (budget: number) => void;
  /** When a batch of changes goes out; default `setImmediate`. */
  readonly schedule?: (flush: () => void) => void;
}

/** A scope as its series are told of. */
export interface Placed {
  /** Its elements, from the root on. */
  path(): readonly string[];
}

/** The memory of one writer. */
export class Memory {
  readonly #emit: (changes: MetricsChange[]) => void;
  readonly #schedule: (flush: () => void) => void;
  readonly #budget: number;
  readonly #onOverflow: ((budget: number) => void) | undefined;
  readonly #space = new MetricsSpace((memory) => this.#change({ change: "block", memory }));
  readonly #nowhere: Readonly<Record<CellType, Cell>>;
  #batch = 1;
  #changes: MetricsChange[] = [];
  /** The scopes in this batch: an array that is there once is sent once. */
  readonly #paths = new Map<Placed, readonly string[]>();
  #live = 0;
  #overflow: Readonly<Record<CellType, Cell>> | undefined;
  #refused: Word | undefined;

  constructor(emit: (changes: MetricsChange[]) => void, options: MetricsOptions) {
    this.#emit = emit;
    this.#schedule = options.schedule ?? ((flush) => void setImmediate(flush));
    this.#budget = options.seriesBudget ?? 200_000;
    this.#onOverflow = options.onOverflow;
    // Its blocks are nobody's to read, and its segments are taken once for all that end.
    const nowhere = new MetricsSpace(() => {});
    const at = nowhere.take("word");
    const { words } = nowhere.blocks[0]!;
    this.#nowhere = {
      counter: new Word("counter", "", words, at),
      gauge: new Word("gauge", "", words, at),
      stat: new Histogram("", nowhere, nowhere.take("head")),
      flow: new FlowCell("", nowhere, nowhere.take("flow") + flowLayout.latency),
    };
  }

  /** A new series; beyond the budget it writes where all such do. */
  add(type: CellType, scope: Placed, name: string): Cell {
    if (this.#live < this.#budget) return this.#place(type, scope, name);
    const shared = this.#overflowed(type);
    if (shared instanceof Word) return new Word(shared.type, name, shared.words, shared.at);
    const Shared = shared instanceof FlowCell ? FlowCell : Histogram;
    return new Shared(name, shared.space, shared.at);
  }

  /** A series of an ended scope: it can be written, and nobody reads it. */
  nowhere(type: CellType): Cell {
    return this.#nowhere[type];
  }

  /** Takes a series' memory back; `removed` must follow in the same turn. */
  free(cell: Cell): void {
    if (cell instanceof Word) {
      if (!this.#isShared(cell)) {
        this.#live -= 1;
        this.#space.give("word", cell.at, this.#batch);
      }
      cell.move(this.#nowhere.counter as Word);
      return;
    }
    if (!this.#isShared(cell)) {
      const segments = (cell.at & offsetMask) * 2 + statLayout.segments;
      for (let octave = 0; octave < octaves; octave += 1) {
        const segment = cell.halves[segments + octave]!;
        if (segment !== 0) this.#space.give("segment", segment, this.#batch);
      }
      this.#live -= cell instanceof FlowCell ? seriesOfFlow : 1;
      if (cell instanceof FlowCell) this.#space.give("flow", cell.at - flowLayout.latency, this.#batch);
      else this.#space.give("head", cell.at, this.#batch);
    }
    cell.move(this.#nowhere[cell.type] as Histogram);
  }

  /** Whether others beyond the budget write there too. */
  #isShared({ type, words, at }: Cell): boolean {
    const shared = this.#overflow?.[type];
    return shared?.words === words && shared.at === at;
  }

  /** Everything below a scope has been given back. */
  removed(scope: Placed): void {
    this.#change({ change: "remove", scopes: scope.path() });
  }

  #place(type: CellType, scope: Placed, name: string): Cell {
    if (type === "flow") return this.#placeFlow(scope, flowNames);
    const at = this.#space.take(type === "stat" ? "head" : "word");
    this.#tell(type, scope, name, at);
    if (type === "stat") return new Histogram(name, this.#space, at);
    return new Word(type, name, this.#space.blocks[at >>> offsetBits]!.words, at);
  }

  #placeFlow(scope: Placed, names: FlowNames): FlowCell {
    const at = this.#space.take("flow");
    this.#tell("counter", scope, names.requests, at + flowLayout.requests);
    this.#tell("counter", scope, names.success, at + flowLayout.success);
    if (names.pending !== undefined) this.#tell("gauge", scope, names.pending, at + flowLayout.pending);
    this.#tell("stat", scope, names.latency, at + flowLayout.latency);
    return new FlowCell("", this.#space, at + flowLayout.latency);
  }

  // A series begins.
  #tell(type: "counter" | "gauge" | "stat", scope: Placed, name: string, at: number): void {
    this.#live += 1;
    let scopes = this.#paths.get(scope);
    if (scopes === undefined) this.#paths.set(scope, (scopes = scope.path()));
    this.#change({ change: "add", type, scopes, name, block: at >>> offsetBits, offset: at & offsetMask });
  }

  #overflowed(type: CellType): Cell {
    if (this.#overflow === undefined || this.#refused === undefined) {
      const place = (of: "counter" | "stat", name: string): Cell => this.#place(of, overflowScope, name);
      this.#overflow = {
        counter: place("counter", "counts"),
        gauge: this.nowhere("gauge"), // A sum of unlike gauges means nothing.
        stat: place("stat", "values"),
        flow: this.#placeFlow(overflowScope, overflowNames),
      };
      this.#refused = place("counter", "series") as Word;
      this.#onOverflow?.(this.#budget);
    }
    this.#refused.incr();
    return this.#overflow[type];
  }

  #change(change: MetricsChange): void {
    this.#changes.push(change);
    if (this.#changes.length === 1) this.#schedule(() => this.#flush());
  }

  #flush(): void {
    const changes = this.#changes;
    this.#changes = [];
    this.#paths.clear();
    this.#batch += 1;
    this.#emit(changes);
  }
}

/** What the series of a flow are called. */
interface FlowNames {
  readonly requests: string;
  readonly success: string;
  /** Undefined where nobody is told of it. */
  readonly pending: string | undefined;
  readonly latency: string;
}

const flowNames: FlowNames = {
  requests: "requests",
  success: "success",
  pending: "pending",
  latency: "request_latency_ms",
};
const seriesOfFlow = 4;
const overflowNames: FlowNames = {
  requests: "counts",
  success: "counts",
  pending: undefined,
  latency: "values",
};

const overflowScope: Placed = { path: () => ["_overflow"] };
