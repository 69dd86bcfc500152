/**
 * The routers and listeners of a worker, and their exchange for others while requests are in flight.
 *
 * Idle → (prepare) → prepared → (commit | rollback) → idle. The start is the same two steps as a reload: preparing opens
 * the ports that are new and changes nothing; committing happens within one turn of the event loop. A router that is
 * gone, or has another in its place, ends with its last request; a port that is gone, with its last connection.
 */
import { closeSync } from "node:fs";
import { kindsIn } from "../../config/kinds.ts";
import type { Addr } from "../../dtab/index.ts";
import type { AnyPlugin } from "../../plugins/contract.ts";
import { type LazyPlugin, loadUserPlugins, Registry } from "../../plugins/registry.ts";
import type { ClientReport } from "../shared/client-report.ts";
import {
  type BindingState,
  listenerAddress,
  type RouterStart,
  type Sockets,
  type ToControl,
  type WorkerSetup,
} from "../shared/messages.ts";
import { reportClient } from "./client/report-client.ts";
import { InFlight } from "./router/in-flight.ts";
import { Router, type WorkerServices } from "./router/router.ts";
import type { RouterServer } from "./router/router-server.ts";
import { Listener } from "./server/listener.ts";

/** What a worker gives all its routers, whichever configuration they are of. */
export type RoutingServices = Omit<WorkerServices, "registry" | "place">;

/** How long callers of a port that is gone may stay silent before their connections end. */
const goneIdleMs = 1000;

/** A setup that can be run at once. */
interface Prepared {
  readonly setup: WorkerSetup;
  readonly routers: readonly Router[];
  readonly opened: ReadonlyMap<string, Listener>;
}

/** See the file's comment. */
export class Routing {
  readonly #workerId: number;
  readonly #plugins: readonly (AnyPlugin | LazyPlugin)[];
  readonly #services: RoutingServices;
  #routers: readonly Router[] = [];
  /** By key; those that end with their last requests too. */
  readonly #byKey = new Map<string, Router>();
  readonly #ofBind = new Map<number, Router>();
  #listeners: ReadonlyMap<string, Listener> = new Map();
  /** Of ports that are gone, with connections left. */
  readonly #leaving = new Set<Listener>();
  #places: WorkerSetup["places"];
  #prepared: Prepared | undefined;

  constructor(workerId: number, plugins: readonly (AnyPlugin | LazyPlugin)[], services: RoutingServices) {
    this.#workerId = workerId;
    this.#plugins = plugins;
    this.#services = {
      ...services,
      post: (message) => {
        this.#remember(message);
        services.post(message);
      },
    };
  }

  /** Makes ready; rejects, with nothing left behind, if a port cannot be had or a plugin refuses its block. */
  async prepare(setup: WorkerSetup, sockets: Sockets = {}): Promise<void> {
    this.rollback();
    const unused = new Map(Object.entries(sockets));
    try {
      await this.#prepare(setup, unused);
    } finally {
      for (const fd of unused.values()) closeSync(fd);
    }
  }

  async #prepare(setup: WorkerSetup, sockets: Map<string, number>): Promise<void> {
    const registry = new Registry(this.#plugins);
    const { problems } = await loadUserPlugins(setup.plugins, "/", registry);
    if (problems.length > 0) throw new Error(problems.map((problem) => problem.message).join("; "));
    await registry.load(kindsIn(setup.routers));
    await this.#services.tls.prepare(setup.files?.tls);
    await this.#services.overrides.prepare(setup.files?.overrideKeys);
    this.#services.feeds.prepare(setup.feeds);
    const opened = new Map<string, Listener>();
    const prepared: Router[] = [];
    try {
      for (const [index, start] of setup.routers.entries()) {
        prepared.push(this.#byKey.get(start.key) ?? this.#create(index, start, registry));
      }
      for (const router of prepared) {
        for (const { config } of router.servers) {
          const address = listenerAddress(config);
          if (this.#listeners.has(address)) continue;
          const { sweeper, tls, log } = this.#services;
          opened.set(address, new Listener(config, sweeper, tls, log));
        }
      }
      const listening = [...opened].map(([address, listener]) => {
        const fd = sockets.get(address);
        sockets.delete(address);
        return listener.listen(fd);
      });
      await Promise.all(listening);
    } catch (cause) {
      this.#drop({ setup, routers: prepared, opened });
      throw cause;
    }
    this.#prepared = { setup, routers: prepared, opened };
  }

  /** Runs what was prepared. */
  commit(): void {
    if (this.#prepared === undefined) return;
    const { setup, routers, opened } = this.#prepared;
    this.#prepared = undefined;
    this.#places = setup.places;
    this.#services.feeds.keep(setup.feeds);
    const known = new Map([...this.#listeners, ...opened]);
    const listeners = new Map<string, Listener>();
    for (const [index, router] of routers.entries()) {
      if (this.#byKey.has(router.key)) router.reread(index, setup.routers[index]!.config);
      else this.#byKey.set(router.key, router);
      for (const server of router.servers)
        listeners.set(listenerAddress(server.config), serve(known, router, server));
    }
    for (const [address, listener] of this.#listeners) if (!listeners.has(address)) this.#leave(listener);
    this.#listeners = listeners;
    const last = this.#routers;
    this.#routers = routers;
    for (const router of last) {
      if (!routers.includes(router)) router.retire(() => this.#byKey.delete(router.key));
    }
  }

  /** Forgets what was prepared. */
  rollback(): void {
    if (this.#prepared === undefined) return;
    this.#drop(this.#prepared);
    this.#prepared = undefined;
  }

  /** The control thread's word on a binding. */
  bound(bind: number, state: BindingState): void {
    this.#ofBind.get(bind)?.bound(bind, state);
  }

  /** The control thread's word on a client's addresses. */
  addr(key: string, id: string, addr: Addr): void {
    this.#byKey.get(key)?.addr(id, addr);
  }

  /** So much of a router's access log has been written. */
  logged(key: string, chars: number): void {
    this.#byKey.get(key)?.accessLog?.written(chars);
  }

  /** Tells of every client of every router. */
  reportClients(): ClientReport[] {
    const now = performance.now();
    return [...this.#byKey.values()].flatMap(({ label, naming }) =>
      [...naming.clients()].map((client) => ({
        router: label,
        id: client.id,
        endpoints: reportClient(client, now),
      })),
    );
  }

  /** Asks this share of the callers to connect anew. */
  shed(share: number): void {
    for (const listener of this.#listeners.values()) listener.shed(share);
  }

  /** Accepts no more; resolves when the last connection has ended, or has been cut after `graceMs`. */
  async drain(graceMs: number, idleMs: number): Promise<void> {
    this.rollback();
    const all = [...this.#listeners.values(), ...this.#leaving];
    const cut = setTimeout(() => {
      for (const listener of all) listener.destroy();
    }, graceMs);
    await Promise.all(all.map((listener) => listener.drain(idleMs)));
    clearTimeout(cut);
    for (const router of this.#byKey.values()) router.accessLog?.flush();
  }

  #create(index: number, { key, config, inFlight }: RouterStart, registry: Registry): Router {
    const services: WorkerServices = {
      ...this.#services,
      registry,
      place: (path) => (this.#places?.[path] === undefined ? path : `${this.#places[path]} ${path}`),
    };
    const counts = new Int32Array(inFlight);
    const { length } = config.servers;
    const flights = config.servers.map((_, at) => new InFlight(counts, at, length, this.#workerId));
    return new Router(index, key, config, services, flights);
  }

  #drop({ routers, opened }: Prepared): void {
    for (const router of routers) if (!this.#byKey.has(router.key)) router.retire(() => {});
    for (const listener of opened.values()) listener.close();
  }

  #leave(listener: Listener): void {
    this.#leaving.add(listener);
    void listener.drain(goneIdleMs).then(() => this.#leaving.delete(listener));
  }

  // A state must reach the router that asked, whichever has its place by then.
  #remember(message: ToControl): void {
    if (message.type === "bind") this.#ofBind.set(message.bind, this.#byKey.get(message.router)!);
    else if (message.type === "release") this.#ofBind.delete(message.bind);
  }
}

const serve = (known: ReadonlyMap<string, Listener>, router: Router, server: RouterServer): Listener => {
  const listener = known.get(listenerAddress(server.config))!;
  listener.serve(router, server);
  return listener;
};
