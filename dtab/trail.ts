/** The way of a name through its lookups: where it leads back, too deep or to too much work, and how that is told. */
import type { Path } from "./path.ts";

/** How many lookups may lie on the way to one leaf. */
export const maxDepth = 100;

/** The way from the name that was asked for to where a walk stands. */
export interface Trail {
  readonly path: Path;
  readonly depth: number;
  readonly before: Trail | undefined;
}

/** A name that leads to itself, too deep, or to too much work. */
export class DelegationLoopError extends Error {
  readonly #trail: Trail;
  readonly #cycleStart: number;

  constructor(reason: string, trail: Trail, cycleStart: number = trail.depth) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(reason);
    Error.stackTraceLimit = limit;
    this.name = "DelegationLoopError";
    this.#trail = trail;
    this.#cycleStart = cycleStart;
  }

  /** The names on the way, from the one that was asked for. */
  get chain(): readonly string[] {
    return pathsFrom(this.#trail, 0).map((path) => path.show());
  }

  /** The names of the cycle, its first again at the end; empty if it is none. */
  get cycle(): readonly string[] {
    return this.#cycleStart === this.#trail.depth
      ? []
      : pathsFrom(this.#trail, this.#cycleStart).map((path) => path.show());
  }
}

/** Takes one more step on a trail; throws `DelegationLoopError` if the step leads back or too far. */
export function follow(before: Trail | undefined, path: Path): Trail {
  const trail: Trail = { path, depth: (before?.depth ?? -1) + 1, before };
  for (let at = before; at !== undefined; at = at.before) {
    if (!at.path.equals(path)) continue;
    const cycle = pathsFrom(trail, at.depth).map(clip).join(" → ");
    throw new DelegationLoopError(`Delegation loop: ${cycle} (${tooDeep})`, trail, at.depth);
  }
  if (trail.depth >= maxDepth) {
    let first = trail;
    while (first.before !== undefined) first = first.before;
    throw new DelegationLoopError(`${tooDeep}: ${clip(first.path)} → … → ${clip(path)}`, trail);
  }
  return trail;
}

/** Counts the lookups of one walk. What goes on in one turn of a change counts together; later turns count anew. */
export class LookupBudget {
  readonly #limit: number;
  #nested = 0;
  #lookups = 0;
  #spent: DelegationLoopError | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The error once there was one lookup too many; it stays. */
  get spent(): DelegationLoopError | undefined {
    return this.#spent;
  }

  /** Does a lookup and all that follows from it; throws `DelegationLoopError` if it is one too many. */
  spend<T>(trail: Trail, lookup: () => T): T {
    if (this.#nested === 0) this.#lookups = 0;
    if (++this.#lookups > this.#limit) {
      const reason = `Delegation takes more than ${this.#limit} lookups, at ${clip(trail.path)}`;
      this.#spent ??= new DelegationLoopError(reason, trail);
    }
    if (this.#spent !== undefined) throw this.#spent;
    this.#nested++;
    try {
      return lookup();
    } finally {
      this.#nested--;
    }
  }
}

const tooDeep = `Max recursion level: ${maxDepth} reached in Namer lookup`;

/** The names of a trail from a depth on. */
function pathsFrom(trail: Trail, depth: number): Path[] {
  const paths: Path[] = [];
  for (let at: Trail | undefined = trail; at !== undefined && at.depth >= depth; at = at.before)
    paths.push(at.path);
  return paths.reverse();
}

/** A name for a message; names may be as long as a request's head. */
function clip(path: Path): string {
  const shown = path.size > 8 ? `${path.take(8).show()}/…` : path.show();
  return shown.length > 120 ? `${shown.slice(0, 119)}…` : shown;
}
