/**
 * Which watches the server has for us: one-shot ones, each of which says once that something changed, and nothing more.
 *
 * A watch is asked for together with a read, and is set once the answer is there. Several may want to know of one node:
 * the server has one watch for all of them, and it is taken away when the last one has let go. So the server never has
 * more watches than there are nodes that somebody looks at.
 */
import { event } from "./protocol.ts";

/** The list of a node's children, or its data and whether it is there. */
export type WatchKind = "children" | "data";

/** Somebody who wants to know; it is told at most once for each read that asked for it. */
export interface Watch {
  readonly kind: WatchKind;
  readonly path: string;
  /** Something changed; `lost`: nobody knows what, for the session is over. */
  changed(lost: boolean): void;
}

/** What an answer says of the watch that was asked for with it. */
export type Outcome = "set" | "set on absence" | "none";

interface Entry {
  readonly kind: WatchKind;
  readonly path: string;
  readonly watches: Set<Watch>;
  absent: boolean;
}

/** The paths to set watches for again on another connection. */
export interface Rearmed {
  readonly data: string[];
  readonly exist: string[];
  readonly child: string[];
}

/** The watches of one session. */
export class Watches {
  readonly #set = new Map<string, Entry>();
  /** Reads under way that ask for a watch: the server's must not be taken away under them. */
  readonly #asked = new Map<string, number>();
  readonly #dropped = new WeakSet<Watch>();

  /** How many the server has. */
  get size(): number {
    return this.#set.size;
  }

  /** A read goes out that asks for the watch. */
  asked(watch: Watch): void {
    const key = keyOf(watch);
    this.#asked.set(key, (this.#asked.get(key) ?? 0) + 1);
  }

  /** Its answer; true where the server has a watch now that nobody wants any more. */
  answered(watch: Watch, outcome: Outcome): boolean {
    const key = keyOf(watch);
    const left = (this.#asked.get(key) ?? 1) - 1;
    if (left === 0) this.#asked.delete(key);
    else this.#asked.set(key, left);
    if (outcome !== "none") {
      const { kind, path } = watch;
      const entry = this.#set.get(key) ?? { kind, path, watches: new Set(), absent: false };
      entry.absent = outcome === "set on absence";
      if (!this.#dropped.has(watch)) entry.watches.add(watch);
      this.#set.set(key, entry);
    }
    return this.#removeIdle(key);
  }

  /** Somebody wants to know no more, for good; true where the server has a watch now that nobody wants. */
  drop(watch: Watch): boolean {
    this.#dropped.add(watch);
    const key = keyOf(watch);
    this.#set.get(key)?.watches.delete(watch);
    return this.#removeIdle(key);
  }

  /** An event of the server. */
  fired(type: number, path: string): void {
    if (type !== event.childrenChanged) this.#fire(keyOf({ kind: "data", path }));
    if (type === event.childrenChanged || type === event.deleted) {
      this.#fire(keyOf({ kind: "children", path }));
    }
  }

  /** The session is over, and with it all watches. */
  lost(): void {
    const entries = [...this.#set.values()];
    this.#set.clear();
    for (const { watches } of entries) for (const watch of watches) watch.changed(true);
  }

  /** What to set again; the server tells at once what changed meanwhile. */
  rearmed(): Rearmed {
    const paths: Rearmed = { data: [], exist: [], child: [] };
    for (const { kind, path, absent } of this.#set.values()) {
      if (kind === "children") paths.child.push(path);
      else (absent ? paths.exist : paths.data).push(path);
    }
    return paths;
  }

  #fire(key: string): void {
    const entry = this.#set.get(key);
    if (entry === undefined) return;
    this.#set.delete(key);
    for (const watch of entry.watches) watch.changed(false);
  }

  #removeIdle(key: string): boolean {
    const entry = this.#set.get(key);
    if (entry === undefined || entry.watches.size > 0 || this.#asked.has(key)) return false;
    return this.#set.delete(key);
  }
}

const keyOf = ({ kind, path }: Pick<Watch, "kind" | "path">): string => `${kind} ${path}`;
