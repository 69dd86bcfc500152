/**
 * The addresses of one client, observed for all workers that use it.
 *
 * Every binding whose tree names the client may feed it; one of them does, and another takes over when that one ends.
 * Once there was a set of addresses, pending and failed states change nothing (Linkerd 1: stale beats none).
 */
import { Addr, type Closable, type Var } from "../../dtab/index.ts";
import type { Logger } from "../../plugins/contract.ts";

/** Hears of each change. */
export type ClientObserver = (addr: Addr) => void;

/** The addresses of one client. */
export class ClientAddresses {
  readonly router: string;
  readonly id: string;
  /** What workers know. */
  addr: Addr = Addr.pending;
  /** A failure since the last good set. */
  failure: string | undefined;
  readonly #log: Logger;
  readonly #ended: () => void;
  readonly #observers = new Set<ClientObserver>();
  readonly #feeders = new Map<object, Var<Addr>>();
  #feeder: object | undefined;
  #source: Var<Addr> | undefined;
  #observation: Closable | undefined;

  constructor(router: string, id: string, log: Logger, ended: () => void) {
    this.router = router;
    this.id = id;
    this.#log = log;
    this.#ended = ended;
  }

  /** Adds an observer: it hears of the addresses now and of every change. */
  join(observer: ClientObserver): void {
    this.#observers.add(observer);
    observer(this.addr);
  }

  /** Removes an observer. */
  leave(observer: ClientObserver): void {
    if (!this.#observers.delete(observer) || this.#observers.size > 0) return;
    this.#observation?.close();
    this.#observation = undefined;
    this.#source = undefined;
    this.#feeders.clear();
    this.#ended();
  }

  /** A binding offers the addresses, or offers them anew. */
  feed(feeder: object, source: Var<Addr>): void {
    this.#feeders.set(feeder, source);
    if (this.#source === undefined || this.#feeder === feeder || !this.#feeders.has(this.#feeder!)) {
      this.#follow(feeder, source);
    }
  }

  /** A binding has ended, or its tree names this client no longer. The last source is kept until another one comes. */
  unfeed(feeder: object): void {
    this.#feeders.delete(feeder);
    if (this.#feeder !== feeder) return;
    const [next] = this.#feeders;
    if (next !== undefined) this.#follow(next[0], next[1]);
  }

  #follow(feeder: object, source: Var<Addr>): void {
    this.#feeder = feeder;
    if (this.#source === source) return;
    this.#source = source;
    // The new one is observed before the old one is let go, so that what both rest on goes on.
    const next = source.observe((addr) => {
      if (this.#source === source) this.#update(addr);
    });
    this.#observation?.close();
    this.#observation = next;
  }

  #update(addr: Addr): void {
    const known = this.addr.tag === "bound" || this.addr.tag === "neg";
    if (addr.tag === "failed") {
      if (this.failure !== addr.message) {
        this.#log.warn("a client's addresses cannot be found", {
          router: this.router,
          client: this.id,
          cause: addr.message,
        });
      }
      this.failure = addr.message;
      if (known) return;
    } else if (addr.tag === "pending") {
      if (known) return;
    } else {
      this.failure = undefined;
    }
    if (Addr.equals(this.addr, addr)) return;
    this.addr = addr;
    for (const observer of [...this.#observers]) observer(addr);
  }
}
