/** Activity<T>: a value over time that may not be there yet, or whose source may have failed. Failure is a value. */
import { type Closable, isConstant, type MutableVar, Var } from "./var.ts";

/** Where an Activity stands. */
export type State<T> =
  | { readonly tag: "pending" }
  | { readonly tag: "ok"; readonly value: T }
  | { readonly tag: "failed"; readonly error: Error };

/** Makers of states. */
export const State = {
  pending: { tag: "pending" } as const satisfies State<never>,
  ok: <T>(value: T): State<T> => ({ tag: "ok", value }),
  /** A failed state of anything that was thrown. */
  failed: (cause: unknown): State<never> & { readonly tag: "failed" } => ({
    tag: "failed",
    error: asError(cause),
  }),
};

/** A Var of states. */
export interface Activity<T> {
  readonly states: Var<State<T>>;
  /** The state now; it starts no work. */
  sample(): State<T>;
  /** As `Var.observe`, of states. */
  observe(fn: (state: State<T>) => void): Closable;
  /** The image of the value; a throw in `fn` is a failed state. */
  map<U>(fn: (value: T) => U): Activity<U>;
  /** The Activity that `fn` chooses for the value; a throw in `fn` is a failed state. */
  flatMap<U>(fn: (value: T) => Activity<U>): Activity<U>;
  /** Once there was a value, pending and failed states are left out: each observer keeps the last good value. */
  stabilize(): Activity<T>;
}

/** Makers of Activities. */
export const Activity = {
  /** The Activity of a Var of states. */
  of: <T>(states: Var<State<T>>): Activity<T> => new StatesActivity(states),
  value: <T>(value: T): Activity<T> => new StatesActivity<T>(Var.value<State<T>>(State.ok(value))),
  failed: (cause: unknown): Activity<never> =>
    new StatesActivity(Var.value<State<never>>(State.failed(cause))),
  get pending(): Activity<never> {
    return pendingActivity;
  },
  /** Always ok with the value of a Var. */
  fromVar: <T>(source: Var<T>): Activity<T> =>
    new StatesActivity(source.map((value): State<T> => State.ok(value))),
  /** An Activity with the Var by which its owner changes it; pending at first. */
  mutable: <T>(
    initial: State<T> = State.pending,
  ): { activity: Activity<T>; states: MutableVar<State<T>> } => {
    const states = Var.mutable<State<T>>(initial);
    return { activity: new StatesActivity<T>(states), states };
  },
  /** All values together: the first failure wins, then pending. */
  join: <T>(activities: readonly Activity<T>[]): Activity<readonly T[]> =>
    new StatesActivity(Var.join(activities.map((each) => each.states)).map(joinStates)),
};

class StatesActivity<T> implements Activity<T> {
  readonly states: Var<State<T>>;

  constructor(states: Var<State<T>>) {
    this.states = states;
  }

  sample(): State<T> {
    return this.states.sample();
  }

  observe(fn: (state: State<T>) => void): Closable {
    return this.states.observe(fn);
  }

  map<U>(fn: (value: T) => U): Activity<U> {
    return new StatesActivity(
      this.states.map(
        (state): State<U> => (state.tag === "ok" ? attempt(() => State.ok(fn(state.value))) : state),
      ),
    );
  }

  flatMap<U>(fn: (value: T) => Activity<U>): Activity<U> {
    const choose = (state: State<T>): Var<State<U>> => {
      if (state.tag !== "ok") return Var.value<State<U>>(state);
      try {
        return fn(state.value).states;
      } catch (cause) {
        return Var.value<State<U>>(State.failed(cause));
      }
    };
    return new StatesActivity(this.states.flatMap(choose));
  }

  stabilize(): Activity<T> {
    if (isConstant(this.states)) return this;
    const observe = (fn: (state: State<T>) => void): Closable => {
      let good = false;
      return this.states.observe((state) => {
        good ||= state.tag === "ok";
        if (!good || state.tag === "ok") fn(state);
      });
    };
    return new StatesActivity(Var.from(() => this.sample(), observe));
  }
}

const pendingActivity = new StatesActivity(Var.value<State<never>>(State.pending));

function joinStates<T>(states: readonly State<T>[]): State<readonly T[]> {
  const values: T[] = [];
  let pending = false;
  for (const state of states) {
    if (state.tag === "failed") return state;
    if (state.tag === "ok") values.push(state.value);
    else pending = true;
  }
  return pending ? State.pending : State.ok(values);
}

function attempt<U>(fn: () => State<U>): State<U> {
  try {
    return fn();
  } catch (cause) {
    return State.failed(cause);
  }
}

const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)));
