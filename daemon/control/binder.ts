/**
 * Naming for the data workers: observes what they ask for and pushes what changes.
 *
 * However many workers and requests ask for a name, there is one observation of it, and one of each client's addresses.
 * A session is one worker's side of it; closing the session releases everything that the worker held.
 */
import { Dtab, Path } from "../../dtab/index.ts";
import type { Clock, Logger, MetricsScope, NameInterpreter } from "../../plugins/contract.ts";
import { limitLog } from "../shared/limited-log.ts";
import type { ToControl, ToWorker } from "../shared/messages.ts";
import { Binding, type BindingObserver } from "./binding.ts";
import { ClientAddresses, type ClientObserver } from "./client-addresses.ts";
import { Explainer } from "./explainer.ts";

/** A router's way to name: its interpreter, and the dtab that stands before a request's own. */
export interface RouterNaming {
  /** What messages call the router; its label unless given. */
  readonly key?: string;
  readonly label: string;
  readonly interpreter: NameInterpreter;
  readonly dtab: Dtab;
}

/** What a worker may ask of the binder. */
export type BinderRequest = Extract<ToControl, { type: "bind" | "release" | "watch" | "unwatch" }>;

/** What a binder tells. */
export interface BinderOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: MetricsScope;
}

/** One worker's bindings and watches. */
export interface BinderSession {
  handle(request: BinderRequest): void;
  close(): void;
}

/** A router with its bindings. */
interface Known {
  naming: RouterNaming;
  readonly bindings: Set<Binding>;
  /** Gone from the configuration; what is bound stays as long as requests use it. */
  retired: boolean;
}

/** Lines about single names: a scan of unknown hosts must not fill a disk. */
const bindingLines = { lines: 50, everyMs: 10_000 };

/** Binds names for all workers. */
export class Binder {
  readonly #routers = new Map<string, Known>();
  readonly #log: Logger;
  readonly #explainer: Explainer;
  readonly #bindings = new Map<string, Binding>();
  readonly #clients = new Map<string, ClientAddresses>();
  /** Retired routers that end with their last binding. */
  readonly #forgotten = new Set<string>();
  readonly #gauges: {
    readonly bindings: { set(value: number): void };
    readonly clients: { set(value: number): void };
  };

  constructor(routers: Iterable<RouterNaming>, { log, clock, metrics }: BinderOptions) {
    this.replace(routers);
    this.#log = limitLog(log, clock, bindingLines);
    this.#explainer = new Explainer(clock);
    const scope = metrics.scope("binder");
    this.#gauges = { bindings: scope.gauge("bindings"), clients: scope.gauge("clients") };
  }

  /**
   * Goes on with other routers. One that is there already and is named otherwise has its names bound anew, and workers
   * keep what they know until that is decided. One that is gone stays until `forget`.
   */
  replace(routers: Iterable<RouterNaming>): void {
    for (const known of this.#routers.values()) known.retired = true;
    for (const naming of routers) {
      const key = naming.key ?? naming.label;
      const known = this.#routers.get(key);
      if (known === undefined) {
        this.#routers.set(key, { naming, bindings: new Set(), retired: false });
        continue;
      }
      const { interpreter, dtab } = known.naming;
      const same = interpreter === naming.interpreter && dtab.show() === naming.dtab.show();
      known.retired = false;
      known.naming = naming;
      if (!same) for (const binding of [...known.bindings]) binding.rebind();
    }
  }

  /** No worker binds for routers that are gone any more: they end with their last binding. */
  forget(): void {
    for (const [key, { retired, bindings }] of this.#routers) {
      if (!retired) continue;
      this.#forgotten.add(key);
      if (bindings.size === 0) this.#end(key);
    }
  }

  #end(key: string): void {
    this.#routers.delete(key);
    this.#forgotten.delete(key);
  }

  /** Opens a worker's side. */
  session(send: (message: ToWorker) => void): BinderSession {
    return new Session(this, send);
  }

  /** Everything that is bound now. */
  bindings(): Iterable<Binding> {
    return this.#bindings.values();
  }

  /** Every client that a worker watches now. */
  clients(): Iterable<ClientAddresses> {
    return this.#clients.values();
  }

  /** The binding of a name in the router of that key; it ends with its last observer. */
  binding(routerKey: string, dtab: string, path: string): Binding {
    const key = `${routerKey}\0${dtab}\0${path}`;
    const known = this.#bindings.get(key);
    if (known !== undefined) return known;
    const router = this.#routers.get(routerKey);
    const binding: Binding = new Binding({
      key: routerKey,
      router: router?.naming.label ?? routerKey,
      localDtab: dtab,
      path,
      bind: () => {
        if (router === undefined) throw new Error(`there is no router ${routerKey}`);
        const { interpreter, dtab: base } = router.naming;
        return interpreter.bind(base.concat(Dtab.read(dtab)), Path.read(path));
      },
      explain: () => {
        if (router === undefined) return undefined;
        const { interpreter, dtab: base } = router.naming;
        return this.#explainer.explain(interpreter, base.concat(Dtab.read(dtab)), Path.read(path));
      },
      log: this.#log,
      ended: () => {
        this.#bindings.delete(key);
        this.#gauges.bindings.set(this.#bindings.size);
        router?.bindings.delete(binding);
        if (router?.bindings.size === 0 && this.#forgotten.has(routerKey)) this.#end(routerKey);
      },
    });
    this.#bindings.set(key, binding);
    router?.bindings.add(binding);
    this.#gauges.bindings.set(this.#bindings.size);
    return binding;
  }

  /** The addresses of a client of the router of that key; they end with their last observer. */
  client(routerKey: string, id: string): ClientAddresses {
    const key = `${routerKey}\0${id}`;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const label = this.#routers.get(routerKey)?.naming.label ?? routerKey;
    const client = new ClientAddresses(label, id, this.#log, () => {
      this.#clients.delete(key);
      this.#gauges.clients.set(this.#clients.size);
    });
    this.#clients.set(key, client);
    this.#gauges.clients.set(this.#clients.size);
    return client;
  }
}

// === One worker ===

interface Held {
  readonly binding: Binding;
  readonly observer: BindingObserver;
}

interface Watch {
  /** The worker has said that it wants it; else it came along with a tree, and goes with that. */
  asked: boolean;
  readonly client: ClientAddresses;
  readonly observer: ClientObserver;
}

class Session implements BinderSession {
  readonly #binder: Binder;
  readonly #send: (message: ToWorker) => void;
  readonly #held = new Map<number, Held>();
  readonly #watches = new Map<string, Watch>();

  constructor(binder: Binder, send: (message: ToWorker) => void) {
    this.#binder = binder;
    this.#send = send;
  }

  handle(request: BinderRequest): void {
    switch (request.type) {
      case "bind":
        this.#bind(request.bind, request.router, request.dtab, request.path);
        break;
      case "release":
        this.#release(request.bind);
        break;
      case "watch":
        this.#watchAgain(request.router, request.id, request.bind);
        break;
      case "unwatch":
        this.#unwatch(request.router, request.id);
        break;
    }
  }

  close(): void {
    for (const bind of [...this.#held.keys()]) this.#release(bind);
    for (const { client, observer } of this.#watches.values()) client.leave(observer);
    this.#watches.clear();
  }

  #bind(bind: number, router: string, dtab: string, path: string): void {
    this.#release(bind);
    const binding = this.#binder.binding(router, dtab, path);
    const observer: BindingObserver = {
      changed: (state, began) => {
        this.#send({ type: "bound", bind, state });
        for (const id of began) this.#watch(router, id, binding);
      },
    };
    this.#held.set(bind, { binding, observer });
    binding.join(observer);
  }

  #release(bind: number): void {
    const held = this.#held.get(bind);
    if (held === undefined) return;
    this.#held.delete(bind);
    const { binding } = held;
    for (const id of binding.clients()) {
      const watch = this.#watches.get(`${binding.key}\0${id}`);
      if (watch?.asked === false && !this.#names(binding.key, id)) this.#unwatch(binding.key, id);
    }
    binding.leave(held.observer);
  }

  #watchAgain(router: string, id: string, bind: number): void {
    const watched = this.#watches.get(`${router}\0${id}`);
    if (watched !== undefined) {
      watched.asked = true;
      this.#send({ type: "addr", router, id, addr: watched.client.addr });
      return;
    }
    const binding = this.#held.get(bind)?.binding;
    if (binding?.source(id) !== undefined) this.#watch(router, id, binding, true);
    // The tree has moved on, and says so in a message that is on its way; nobody may wait for this client.
    else this.#send({ type: "addr", router, id, addr: { tag: "neg" } });
  }

  /** Whether a binding that the worker still holds leads to a client. */
  #names(router: string, id: string): boolean {
    for (const { binding } of this.#held.values()) {
      if (binding.key === router && binding.source(id) !== undefined) return true;
    }
    return false;
  }

  #watch(router: string, id: string, binding: Binding, asked = false): void {
    const key = `${router}\0${id}`;
    const client = this.#binder.client(router, id);
    binding.feed(id, client);
    if (this.#watches.has(key)) return;
    const observer: ClientObserver = (addr) => this.#send({ type: "addr", router, id, addr });
    this.#watches.set(key, { asked, client, observer });
    client.join(observer);
  }

  #unwatch(router: string, id: string): void {
    const key = `${router}\0${id}`;
    const watch = this.#watches.get(key);
    if (watch === undefined) return;
    this.#watches.delete(key);
    watch.client.leave(watch.observer);
  }
}
