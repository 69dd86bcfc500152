/**
 * A node's children and what they hold, kept up to date by one-shot watches: on the list, and on each child that is
 * wanted. After an event only what it was about is read again; now and then, and after a session, everything.
 */
import type { Clock } from "../../plugins/contract.ts";
import type { ZooKeeper } from "../lib/zookeeper/client.ts";
import { code, isCode } from "../lib/zookeeper/protocol.ts";
import type { Watch } from "../lib/zookeeper/watches.ts";

/** Which children, and what to make of them. */
export interface ChildRules<M> {
  /** Of the names of all children, those whose data counts. */
  wanted(names: readonly string[]): readonly string[];
  /**
   * Undefined leaves the child out; `Unreadable` is thrown where the data makes no sense: then what was read of the child
   * before stays.
   */
  read(name: string, data: string): M | undefined;
}

interface Child<M> {
  readonly watch: Watch;
  stale: boolean;
  value: M | undefined;
}

/** See the file's comment. Whoever makes one ends it. */
export class Children<M> {
  readonly #zk: ZooKeeper;
  readonly #path: string;
  readonly #rules: ChildRules<M>;
  readonly #list: Watch;
  readonly #children = new Map<string, Child<M>>();
  #absence: Watch | undefined;
  #listStale = true;
  #lost = false;
  #wake: (() => void) | undefined;

  constructor(zk: ZooKeeper, path: string, rules: ChildRules<M>) {
    this.#zk = zk;
    this.#path = path;
    this.#rules = rules;
    this.#list = zk.watch("children", path, (lost) => this.#changed(lost));
  }

  /** What is known of the children that count and can be read, by name; empty where there is no such node. */
  get values(): ReadonlyMap<string, M> {
    const values = new Map<string, M>();
    for (const [name, { value }] of this.#children) if (value !== undefined) values.set(name, value);
    return values;
  }

  /** Reads everything. */
  async read(signal: AbortSignal): Promise<void> {
    this.#listStale = true;
    for (const child of this.#children.values()) child.stale = true;
    this.#lost = false;
    await this.#update(signal);
  }

  /** Waits for news and reads them, or makes sure that there are none once `waitMs` have passed. */
  async news(waitMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    if (!this.#isStale()) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      signal.addEventListener("abort", this.#wake, { once: true });
      await clock.sleep(waitMs, woken.signal);
      signal.removeEventListener("abort", this.#wake);
      this.#wake = undefined;
    }
    if (!this.#isStale()) await this.#zk.session.connected(signal);
    if (this.#lost) await this.read(signal);
    else if (this.#isStale()) await this.#update(signal);
  }

  /** Lets all watches go. */
  end(): void {
    this.#zk.drop(this.#list);
    this.#dropAbsence();
    for (const { watch } of this.#children.values()) this.#zk.drop(watch);
    this.#children.clear();
  }

  #isStale(): boolean {
    return this.#listStale || [...this.#children.values()].some(({ stale }) => stale);
  }

  #changed(lost: boolean): void {
    this.#listStale = true;
    this.#lost ||= lost;
    this.#wake?.();
  }

  async #update(signal: AbortSignal): Promise<void> {
    if (this.#listStale) {
      this.#listStale = false;
      try {
        this.#keep(await this.#names(signal));
      } catch (error) {
        this.#listStale = true;
        throw error;
      }
    }
    const stale = [...this.#children].filter(([, child]) => child.stale);
    await Promise.all(stale.map(([name, child]) => this.#readChild(name, child, signal)));
  }

  /** The names that count. One that is not there is watched until it comes. */
  async #names(signal: AbortSignal): Promise<readonly string[]> {
    for (;;) {
      try {
        const names = await this.#zk.getChildren(this.#path, signal, this.#list);
        this.#dropAbsence();
        return this.#rules.wanted(names);
      } catch (error) {
        if (!isCode(error, code.noNode)) throw error;
      }
      this.#absence ??= this.#zk.watch("data", this.#path, (lost) => this.#changed(lost));
      if (!(await this.#zk.exists(this.#path, signal, this.#absence))) return [];
    }
  }

  /** A watch that was dropped is not used again. */
  #dropAbsence(): void {
    if (this.#absence !== undefined) this.#zk.drop(this.#absence);
    this.#absence = undefined;
  }

  #keep(names: readonly string[]): void {
    const wanted = new Set(names);
    for (const [name, child] of this.#children) if (!wanted.has(name)) this.#forget(name, child);
    for (const name of wanted) {
      if (!this.#children.has(name)) this.#children.set(name, this.#newChild(name));
    }
  }

  #forget(name: string, child: Child<M>): void {
    this.#zk.drop(child.watch);
    if (this.#children.get(name) === child) this.#children.delete(name);
  }

  #newChild(name: string): Child<M> {
    const child: Child<M> = {
      watch: this.#zk.watch("data", `${this.#path}/${name}`, (lost) => {
        child.stale = true;
        this.#lost ||= lost;
        this.#wake?.();
      }),
      stale: true,
      value: undefined,
    };
    return child;
  }

  async #readChild(name: string, child: Child<M>, signal: AbortSignal): Promise<void> {
    child.stale = false;
    try {
      const { data } = await this.#zk.getData(`${this.#path}/${name}`, signal, child.watch);
      child.value = this.#rules.read(name, data.toString("utf8"));
    } catch (error) {
      // Gone since the list, which will say so. One that comes back under the same name is another one.
      if (isCode(error, code.noNode)) this.#forget(name, child);
      else if (!(error instanceof Unreadable) && !isCode(error, code.noAuth)) {
        child.stale = true;
        throw error;
      }
    }
  }
}

/** A child's data that makes no sense. */
export class Unreadable extends Error {}
