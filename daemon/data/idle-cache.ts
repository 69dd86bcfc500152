/**
 * The binding caches (Linkerd 1's ServiceFactoryCache): bounded, what is idle longest goes first, what is in use stays.
 * At capacity with nothing idle, an entry is built for one use and ended after it.
 */
import type { Counter, MetricsScope } from "../../plugins/contract.ts";

/** What a cache holds. */
export interface CacheEntry {
  /** Requests that use it now. */
  inUse: number;
  /** When it was last used, in whole milliseconds of the worker's: those need no object of their own. */
  usedAt: number;
  /** It is out of the cache; whoever holds it must look again. */
  evicted: boolean;
  /** Ends it. */
  close(): void;
}

/** A bounded cache. */
export class IdleCache<V extends CacheEntry> {
  readonly #entries = new Map<string, V>();
  readonly #capacity: number;
  readonly #ttlMs: number;
  readonly #misses: Counter;
  readonly #evicts: Counter;
  readonly #expires: Counter;
  readonly #oneshots: Counter;
  readonly #timer: ReturnType<typeof setInterval>;
  #closed = false;

  constructor(capacity: number, ttlMs: number, metrics: MetricsScope) {
    this.#capacity = capacity;
    this.#ttlMs = ttlMs;
    this.#misses = metrics.counter("misses");
    this.#evicts = metrics.counter("evicts");
    this.#expires = metrics.counter("expires");
    this.#oneshots = metrics.counter("oneshots");
    // Beyond 2^31 ms a timer would fire at once.
    const everyMs = Math.min(ttlMs, 2 ** 31 - 1);
    this.#timer = setInterval(() => this.#expire(performance.now()), everyMs).unref();
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  values(): Iterable<V> {
    return this.#entries.values();
  }

  /** Adds what `get` did not find; an entry that finds no room is marked evicted at once and ends after its use. */
  add(key: string, entry: V): V {
    this.#misses.incr();
    if (this.#closed || (this.#entries.size >= this.#capacity && !this.#evictOne())) {
      this.#oneshots.incr();
      entry.evicted = true;
      return entry;
    }
    this.#entries.set(key, entry);
    return entry;
  }

  /** A use of an entry has ended. */
  release(entry: V): void {
    if (--entry.inUse === 0 && entry.evicted) entry.close();
  }

  /** Ends all entries, those in use after their use; what is added later is for one use. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const [key, entry] of this.#entries) this.#remove(key, entry);
  }

  #evictOne(): boolean {
    let oldestKey: string | undefined;
    let oldest: V | undefined;
    for (const [key, entry] of this.#entries) {
      if (entry.inUse === 0 && (oldest === undefined || entry.usedAt < oldest.usedAt)) {
        oldest = entry;
        oldestKey = key;
      }
    }
    if (oldest === undefined) return false;
    this.#evicts.incr();
    this.#remove(oldestKey!, oldest);
    return true;
  }

  #expire(nowMs: number): void {
    for (const [key, entry] of this.#entries) {
      if (entry.inUse > 0 || nowMs - entry.usedAt <= this.#ttlMs) continue;
      this.#expires.incr();
      this.#remove(key, entry);
    }
  }

  #remove(key: string, entry: V): void {
    this.#entries.delete(key);
    entry.evicted = true;
    if (entry.inUse === 0) entry.close();
  }
}
