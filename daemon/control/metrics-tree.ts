/**
 * The series of the control thread as a tree of their scopes: a scope's path is kept once for all that stands below it,
 * and what is read in the order of full names is walked through, not copied.
 */
import { ComputedGauge, type Series } from "./metrics-series.ts";

/** What a scope may hold. */
export type Leaf = Series | ComputedGauge;

/** Series of a scope that are looked for one by one. */
const mostInARow = 64;

/** A scope: its series and the scopes below it. */
export class Scope {
  readonly parent: Scope | undefined;
  readonly element: string;
  /** What its path adds to its parent's. */
  readonly key: string;
  #items: (Leaf | Scope)[] = [];
  #isSorted = true;
  /** Whether a name among its items begins with the key of a scope beside it. */
  #overlaps = false;
  #children: Map<string, Scope> | undefined;
  /** Its series by type and name, where there are many. */
  #index: Map<string, Series> | undefined;

  constructor(parent?: Scope, element = "") {
    this.parent = parent;
    this.element = element;
    this.key = `${element}/`;
  }

  /** Its elements, from the root on. */
  path(): readonly string[] {
    return this.parent === undefined ? [] : [...this.parent.path(), this.element];
  }

  /** The scope below it; undefined if there is nothing. */
  find(elements: readonly string[]): Scope | undefined {
    let scope: Scope = this;
    for (const element of elements) {
      const child = scope.#child(element);
      if (child === undefined) return undefined;
      scope = child;
    }
    return scope;
  }

  /** The scope below it, which is made where it is not there yet. */
  open(elements: readonly string[]): Scope {
    let scope: Scope = this;
    for (const element of elements) {
      let child = scope.#child(element);
      if (child === undefined) {
        child = new Scope(scope, element);
        (scope.#children ??= new Map()).set(element, child);
        scope.#push(child);
      }
      scope = child;
    }
    return scope;
  }

  #child(element: string): Scope | undefined {
    return this.#children?.get(element);
  }

  /** A series of its own that workers write. */
  series(type: Series["type"], name: string): Series | undefined {
    if (this.#index !== undefined) return this.#index.get(indexKey({ type, name }));
    for (const item of this.#items)
      if (isWritten(item) && item.name === name && item.type === type) return item;
    return undefined;
  }

  /** A series more. */
  add(leaf: Leaf): void {
    this.#push(leaf);
    if (isWritten(leaf)) this.#index?.set(indexKey(leaf), leaf);
    if (this.#index !== undefined || this.#items.length - (this.#children?.size ?? 0) <= mostInARow) return;
    this.#index = new Map();
    for (const item of this.#items) if (isWritten(item)) this.#index.set(indexKey(item), item);
  }

  /** A series of its own has ended; a scope goes with the last of what it holds. */
  remove(leaf: Leaf): void {
    if (isWritten(leaf)) this.#index?.delete(indexKey(leaf));
    this.#drop(leaf);
  }

  /** Calls `fn` for each series at or below it; `fn` may remove it. */
  each(fn: (leaf: Leaf) => void): void {
    for (const item of [...this.#items]) {
      if (item instanceof Scope) item.each(fn);
      else fn(item);
    }
  }

  /** What it holds, in the order of names; another array after each change. */
  sorted(): readonly (Leaf | Scope)[] {
    if (!this.#isSorted) {
      this.#items = this.#items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
      this.#isSorted = true;
      this.#overlaps = this.#items.some((item, at) => isWithin(this.#items[at + 1], item));
    }
    return this.#items;
  }

  /** Whether names of its items are mixed with those below a scope beside them. */
  get overlaps(): boolean {
    this.sorted();
    return this.#overlaps;
  }

  // Whoever walks through the items has them as they were.
  #push(item: Leaf | Scope): void {
    if (this.#isSorted) this.#items = [...this.#items];
    this.#isSorted = false;
    this.#items.push(item);
  }

  #drop(item: Leaf | Scope): void {
    this.#items = this.#items.filter((each) => each !== item);
    if (item instanceof Scope) this.#children?.delete(item.element);
    if (this.#items.length === 0 && this.parent !== undefined) this.parent.#drop(this);
  }
}

const isWritten = (item: Leaf | Scope): item is Series =>
  !(item instanceof Scope || item instanceof ComputedGauge);

const keyOf = (item: Leaf | Scope): string => (item instanceof Scope ? item.key : item.name);

/** Whether what is next in order stands below a scope, by its name alone. */
const isWithin = (next: Leaf | Scope | undefined, item: Leaf | Scope): boolean =>
  next !== undefined && item instanceof Scope && keyOf(next).startsWith(item.key);

const indexKey = ({ type, name }: Pick<Leaf, "type" | "name">): string => `${type} ${name}`;

/** A series out of its place. */
interface Moved {
  readonly leaf: Leaf;
  readonly prefix: string;
  readonly full: string;
}

interface Frame {
  readonly items: readonly (Leaf | Scope | Moved)[];
  at: number;
  /** As it is shown. */
  readonly prefix: string;
}

/** Goes through all series below a scope in the order of their full names. */
export class Walk {
  /** The shown path of the series that came last, with a slash at its end. */
  prefix = "";
  readonly #show: (text: string) => string;
  readonly #frames: Frame[] = [];

  /** `show` is applied to each element, e.g. to write it as part of a string in JSON. */
  constructor(root: Scope, show: (text: string) => string = (text) => text) {
    this.#show = show;
    this.#frames.push(this.#enter(root, ""));
  }

  /** The next one; undefined at the end. */
  next(): Leaf | undefined {
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      if (frame.at === frame.items.length) {
        this.#frames.pop();
        continue;
      }
      const item = frame.items[frame.at++]!;
      if (item instanceof Scope) {
        this.#frames.push(this.#enter(item, frame.prefix + this.#show(item.key)));
        continue;
      }
      this.prefix = "leaf" in item ? item.prefix : frame.prefix;
      return "leaf" in item ? item.leaf : item;
    }
    return undefined;
  }

  #enter(scope: Scope, prefix: string): Frame {
    if (!scope.overlaps) return { items: scope.sorted(), at: 0, prefix };
    const moved: Moved[] = [];
    this.#gather(scope, prefix, "", moved);
    moved.sort((a, b) => (a.full < b.full ? -1 : a.full > b.full ? 1 : 0));
    return { items: moved, at: 0, prefix };
  }

  #gather(scope: Scope, prefix: string, path: string, into: Moved[]): void {
    for (const item of scope.sorted()) {
      if (item instanceof Scope) this.#gather(item, prefix + this.#show(item.key), path + item.key, into);
      else into.push({ leaf: item, prefix, full: path + item.name });
    }
  }
}
