/**
 * Scopes of metrics that several owners share by name: a router and the one that takes its place at a reload write to
 * the same series, so counts go on, and the series end with the last owner.
 */
import type { Counter, Flow, Gauge, MetricsScope, Stat } from "../../plugins/contract.ts";

/** One owner's hold of a scope. */
export class SharedScope implements MetricsScope {
  readonly #base: MetricsScope;
  readonly #key: string;
  readonly #owners: Map<string, number>;
  #closed = false;

  private constructor(base: MetricsScope, key: string, owners: Map<string, number>) {
    this.#base = base;
    this.#key = key;
    this.#owners = owners;
    owners.set(key, (owners.get(key) ?? 0) + 1);
  }

  /** The scope above all others. */
  static root(metrics: MetricsScope): SharedScope {
    return new SharedScope(metrics, "", new Map());
  }

  /** A scope below, with an owner more; it must be closed. */
  open(...elements: string[]): SharedScope {
    const key = `${this.#key}\0${elements.join("\0")}`;
    return new SharedScope(this.#base.scope(...elements), key, this.#owners);
  }

  /** Whether nobody else has it open. */
  get alone(): boolean {
    return this.#owners.get(this.#key) === 1;
  }

  scope(...elements: string[]): MetricsScope {
    return this.#base.scope(...elements);
  }

  counter(name: string): Counter {
    return this.#base.counter(name);
  }

  gauge(name: string): Gauge {
    return this.#base.gauge(name);
  }

  stat(name: string): Stat {
    return this.#base.stat(name);
  }

  flow(): Flow {
    return this.#base.flow();
  }

  /** Ends the owner's hold, and with the last one's the series. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const left = this.#owners.get(this.#key)! - 1;
    if (left > 0) {
      this.#owners.set(this.#key, left);
      return;
    }
    this.#owners.delete(this.#key);
    this.#base.close();
  }
}
