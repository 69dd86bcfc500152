/** Var<T>: a value that changes over time. Observers are called at once with the value now, then at every change. */

/** Something that can be ended; closing twice is harmless. */
export interface Closable {
  close(): void;
}

/** A changing value. Derived values (`map`, `flatMap`) do their work once per observer. */
export interface Var<T> {
  /** The value now. It starts no work: an unobserved `Var.async` gives its initial value. */
  sample(): T;
  /** Calls `fn` now, before it returns, and then at each change until closed. `fn` never throws and never awaits. */
  observe(fn: (value: T) => void): Closable;
  /** The image of the value. */
  map<U>(fn: (value: T) => U): Var<U>;
  /** The value of whichever Var `fn` chooses; the next one is observed before the last one is let go. */
  flatMap<U>(fn: (value: T) => Var<U>): Var<U>;
}

/** A Var that its owner changes. */
export interface MutableVar<T> extends Var<T> {
  /** Changes the value; an equal one changes nothing. */
  set(value: T): void;
}

/** The work behind a `Var.async`: it calls `set` until `signal` aborts; what it sets later is ignored. */
export type AsyncRun<T> = (set: (value: T) => void, signal: AbortSignal) => void | Promise<void>;

/** Whether two values are the same to observers. */
export type Equals<T> = (a: T, b: T) => boolean;

/** Makers of Vars. */
export const Var = {
  /** A value that never changes. */
  value: <T>(value: T): Var<T> => new Constant(value),
  /** A value that its owner changes. */
  mutable: <T>(initial: T, equals: Equals<T> = Object.is): MutableVar<T> => new Mutable(initial, equals),
  /**
   * A value that somebody must work for: `run` is started by the first observer, aborted after the last, and then the
   * value is `initial` again.
   */
  async: <T>(initial: T, run: AsyncRun<T>, equals: Equals<T> = Object.is): Var<T> =>
    new Async(initial, run, equals),
  /** All the values together. */
  join: <T>(vars: readonly Var<T>[]): Var<readonly T[]> =>
    vars.every(isConstant) ? new Constant(vars.map((each) => each.sample())) : new Joined(vars),
  /** The same Var, which tells each observer only what differs from what it was told before. */
  distinct: <T>(source: Var<T>, equals: Equals<T> = Object.is): Var<T> =>
    isConstant(source) ? source : new Derived(() => source.sample(), observeDistinct(source, equals)),
  /** A Var made of its two operations; `observe` must keep the law that `fn` is called before it returns. */
  from: <T>(sample: () => T, observe: (fn: (value: T) => void) => Closable): Var<T> =>
    new Derived(sample, observe),
};

/** Whether a Var can never change, so that nobody needs to watch it. */
export const isConstant = (candidate: Var<unknown>): boolean => candidate instanceof Constant;

const closed: Closable = { close() {} };

class Constant<T> implements Var<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  sample(): T {
    return this.#value;
  }

  observe(fn: (value: T) => void): Closable {
    fn(this.#value);
    return closed;
  }

  map<U>(fn: (value: T) => U): Var<U> {
    return new Constant(fn(this.#value));
  }

  flatMap<U>(fn: (value: T) => Var<U>): Var<U> {
    return fn(this.#value);
  }
}

abstract class Changing<T> implements Var<T> {
  abstract sample(): T;
  abstract observe(fn: (value: T) => void): Closable;

  map<U>(fn: (value: T) => U): Var<U> {
    return new Derived(
      () => fn(this.sample()),
      (observer) => this.observe((value) => observer(fn(value))),
    );
  }

  flatMap<U>(fn: (value: T) => Var<U>): Var<U> {
    return new Derived(
      () => fn(this.sample()).sample(),
      (observer) => observeFlat(this, fn, observer),
    );
  }
}

class Derived<T> extends Changing<T> {
  readonly #sample: () => T;
  readonly #observe: (fn: (value: T) => void) => Closable;

  constructor(sample: () => T, observe: (fn: (value: T) => void) => Closable) {
    super();
    this.#sample = sample;
    this.#observe = observe;
  }

  sample(): T {
    return this.#sample();
  }

  observe(fn: (value: T) => void): Closable {
    return this.#observe(fn);
  }
}

class Mutable<T> extends Changing<T> implements MutableVar<T> {
  #value: T;
  readonly #equals: Equals<T>;
  readonly #observers = new Set<{ readonly fn: (value: T) => void }>();
  #version = 0;

  constructor(initial: T, equals: Equals<T>) {
    super();
    this.#value = initial;
    this.#equals = equals;
  }

  get observed(): boolean {
    return this.#observers.size > 0;
  }

  sample(): T {
    return this.#value;
  }

  set(value: T): void {
    if (this.#equals(this.#value, value)) return;
    this.#value = value;
    const version = ++this.#version;
    for (const observer of [...this.#observers]) {
      // An observer that set again has told everybody the newer value already.
      if (version !== this.#version) return;
      if (this.#observers.has(observer)) observer.fn(value);
    }
  }

  observe(fn: (value: T) => void): Closable {
    const observer = { fn };
    this.#observers.add(observer);
    fn(this.#value);
    return { close: () => void this.#observers.delete(observer) };
  }
}

class Async<T> extends Changing<T> {
  readonly #initial: T;
  readonly #run: AsyncRun<T>;
  readonly #equals: Equals<T>;
  #work: { readonly current: Mutable<T>; readonly abort: AbortController; observers: number } | undefined;

  constructor(initial: T, run: AsyncRun<T>, equals: Equals<T>) {
    super();
    this.#initial = initial;
    this.#run = run;
    this.#equals = equals;
  }

  sample(): T {
    return this.#work === undefined ? this.#initial : this.#work.current.sample();
  }

  observe(fn: (value: T) => void): Closable {
    const work = (this.#work ??= this.#start());
    work.observers++;
    const observation = work.current.observe(fn);
    let open = true;
    return {
      close: () => {
        if (!open) return;
        open = false;
        observation.close();
        if (--work.observers > 0) return;
        if (this.#work === work) this.#work = undefined;
        work.abort.abort();
      },
    };
  }

  #start() {
    const current = new Mutable(this.#initial, this.#equals);
    const abort = new AbortController();
    // A run that throws is a bug: its rejection is left to the process, which reports it.
    void (async () =>
      this.#run((value) => {
        if (!abort.signal.aborted) current.set(value);
      }, abort.signal))();
    return { current, abort, observers: 0 };
  }
}

class Joined<T> extends Changing<readonly T[]> {
  readonly #vars: readonly Var<T>[];

  constructor(vars: readonly Var<T>[]) {
    super();
    this.#vars = vars;
  }

  sample(): readonly T[] {
    return this.#vars.map((each) => each.sample());
  }

  observe(fn: (values: readonly T[]) => void): Closable {
    const values: T[] = [];
    let complete = false;
    const observations = this.#vars.map((each, i) =>
      each.observe((value) => {
        values[i] = value;
        if (complete) fn([...values]);
      }),
    );
    complete = true;
    fn([...values]);
    return {
      close() {
        complete = false;
        for (const observation of observations) observation.close();
      },
    };
  }
}

const observeDistinct =
  <T>(source: Var<T>, equals: Equals<T>) =>
  (observer: (value: T) => void): Closable => {
    let last: { readonly value: T } | undefined;
    return source.observe((value) => {
      if (last !== undefined && equals(last.value, value)) return;
      last = { value };
      observer(value);
    });
  };

function observeFlat<T, U>(
  outer: Var<T>,
  choose: (value: T) => Var<U>,
  observer: (value: U) => void,
): Closable {
  let inner: Closable = closed;
  let generation = 0;
  let open = true;
  const outerObservation = outer.observe((value) => {
    const mine = ++generation;
    const next = choose(value).observe((result) => {
      if (open && mine === generation) observer(result);
    });
    // What the observer did may have moved the outer value on, or closed everything.
    if (!open || mine !== generation) return next.close();
    const last = inner;
    inner = next;
    last.close();
  });
  return {
    close() {
      open = false;
      outerObservation.close();
      inner.close();
    },
  };
}
