/** The memory behind a writer's series: gives each its place, takes it back, and tells the reader. */
import type { MetricsChange } from "./messages.ts";
import { type Cell, Histogram, type SeriesType, Word } from "./metrics-cells.ts";
import { MetricsSpace, octaves, offsetBits, offsetMask, statLayout } from "./metrics-space.ts";

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
  readonly #nowhere: Readonly<Record<SeriesType, Cell>>;
  #batch = 1;
  #changes: MetricsChange[] = [];
  /** The scopes in this batch: an array that is there once is sent once. */
  readonly #paths = new Map<Placed, readonly string[]>();
  #live = 0;
  #overflow: Readonly<Record<SeriesType, Cell>> | undefined;
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
    };
  }

  /** A new series; beyond the budget it writes where all such do. */
  add(type: SeriesType, scope: Placed, name: string): Cell {
    if (this.#live < this.#budget) return this.#place(type, scope, name);
    const shared = this.#overflowed(type);
    return shared instanceof Word
      ? new Word(shared.type, name, shared.words, shared.at)
      : new Histogram(name, shared.space, shared.at);
  }

  /** A series of an ended scope: it can be written, and nobody reads it. */
  nowhere(type: SeriesType): Cell {
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
      this.#live -= 1;
      const segments = (cell.at & offsetMask) * 2 + statLayout.segments;
      for (let octave = 0; octave < octaves; octave += 1) {
        const segment = cell.halves[segments + octave]!;
        if (segment !== 0) this.#space.give("segment", segment, this.#batch);
      }
      this.#space.give("head", cell.at, this.#batch);
    }
    cell.move(this.#nowhere.stat as Histogram);
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

  #place(type: SeriesType, scope: Placed, name: string): Cell {
    const at = this.#space.take(type === "stat" ? "head" : "word");
    this.#live += 1;
    let scopes = this.#paths.get(scope);
    if (scopes === undefined) this.#paths.set(scope, (scopes = scope.path()));
    this.#change({ change: "add", type, scopes, name, block: at >>> offsetBits, offset: at & offsetMask });
    if (type === "stat") return new Histogram(name, this.#space, at);
    return new Word(type, name, this.#space.blocks[at >>> offsetBits]!.words, at);
  }

  #overflowed(type: SeriesType): Cell {
    if (this.#overflow === undefined || this.#refused === undefined) {
      const place = (of: SeriesType, name: string): Cell => this.#place(of, overflowScope, name);
      this.#overflow = {
        counter: place("counter", "counts"),
        gauge: this.nowhere("gauge"), // A sum of unlike gauges means nothing.
        stat: place("stat", "values"),
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

const overflowScope: Placed = { path: () => ["_overflow"] };
