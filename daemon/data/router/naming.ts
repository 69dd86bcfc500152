/**
 * The binding caches of a router: path → tree → bound → client, as in Linkerd 1, fed by the control thread. A hit is
 * one lookup; what a leaf led to last time is kept with it until it is evicted.
 */

import type { Addr, Path } from "../../../dtab/index.ts";
import type { MetricsScope } from "../../../plugins/contract.ts";
import type { BindingState, BoundTree, ToControl } from "../../shared/messages.ts";
import type { Client } from "../client/client.ts";
import { IdleCache } from "../idle-cache.ts";
import type { Sweeper } from "../sweeper.ts";
import { Binding, type BindingOwner, Bound, type BoundLeaf, PreparedTree, type Waiting } from "./binding.ts";
import { Clinging } from "./clinging.ts";
import type { LocalDtab } from "./dtab-headers.ts";
import type { Service } from "./service.ts";

/** Sizes of the caches (`bindingCache`). */
export interface CacheSizes {
  readonly paths: number;
  readonly trees: number;
  readonly bounds: number;
  readonly clients: number;
  readonly idleTtlSecs: number;
}

/** What naming needs of its router. */
export interface NamingOwner {
  /** What messages call the router. */
  readonly key: string;
  service(name: string): Service;
  serviceEnded(service: Service): void;
  createClient(id: string, closed: (client: Client) => void): Client;
}

/** Names of a router; see the file's comment. */
export class Naming implements BindingOwner {
  readonly #owner: NamingOwner;
  readonly #post: (message: ToControl) => void;
  readonly #nextBind: () => number;
  readonly #paths: IdleCache<Binding>;
  readonly #trees: IdleCache<PreparedTree>;
  readonly #bounds: IdleCache<Bound>;
  readonly #clients: IdleCache<Client>;
  readonly #bindings = new Map<number, Binding>();
  /** Every client there is, one-shot ones too: an id has one client at a time. */
  readonly #live = new Map<string, Client>();
  readonly #clinging: Clinging;
  #onIdle: (() => void) | undefined;

  constructor(
    owner: NamingOwner,
    sizes: CacheSizes,
    metrics: MetricsScope,
    post: (message: ToControl) => void,
    nextBind: () => number,
    sweeper: Sweeper,
  ) {
    this.#owner = owner;
    this.#post = post;
    this.#nextBind = nextBind;
    const ttlMs = sizes.idleTtlSecs * 1000;
    this.#paths = new IdleCache(sizes.paths, ttlMs, metrics.scope("path"));
    this.#trees = new IdleCache(sizes.trees, ttlMs, metrics.scope("tree"));
    this.#bounds = new IdleCache(sizes.bounds, ttlMs, metrics.scope("bound"));
    this.#clients = new IdleCache(sizes.clients, ttlMs, metrics.scope("client"));
    this.#clinging = new Clinging(
      sweeper,
      (id) => this.#live.get(id),
      (binding, state) => {
        for (const waiting of this.#decide(binding, state)) waiting.attempt();
      },
    );
  }

  /** The binding of a name, in use until it is released. */
  take(path: Path, local: LocalDtab, nowMs: number): Binding {
    const { known } = path;
    const isKnown = local.text === "" && known instanceof Binding && known.owner === this && !known.evicted;
    const binding = isKnown ? known : this.#look(path, local);
    binding.inUse++;
    binding.usedAt = Math.floor(nowMs);
    return binding;
  }

  #look(path: Path, local: LocalDtab): Binding {
    const text = path.show();
    const key = local.text === "" ? text : text + "\0" + local.text;
    const binding = this.#paths.get(key) ?? this.#paths.add(key, this.#bind(text, local));
    if (local.text === "") binding.knownBy(path);
    return binding;
  }

  /** A request has done with its binding. */
  release(binding: Binding): void {
    this.#paths.release(binding);
  }

  #bind(path: string, local: LocalDtab): Binding {
    const service = this.#owner.service(path);
    const binding = new Binding(this.#nextBind(), path, local, service, this);
    this.#bindings.set(binding.bind, binding);
    this.#post({ type: "bind", bind: binding.bind, router: this.#owner.key, dtab: local.text, path });
    return binding;
  }

  /** Nobody uses a binding any more. */
  bindingEnded(binding: Binding): void {
    this.#bindings.delete(binding.bind);
    this.#clinging.forget(binding);
    this.#post({ type: "release", bind: binding.bind });
    this.#owner.serviceEnded(binding.service);
    this.#restIfIdle();
  }

  /** The client behind a leaf, in use until it is released. */
  client(
    leaf: BoundLeaf,
    binding: Binding,
    nowMs: number,
  ): { readonly bound: Bound; readonly client: Client } {
    let bound = leaf.bound;
    if (bound === undefined || bound.evicted) {
      const key = leaf.id + "\0" + leaf.residual;
      bound = this.#bounds.get(key) ?? this.#bounds.add(key, new Bound(leaf.id, leaf.residual));
      leaf.bound = bound;
    }
    const now = Math.floor(nowMs);
    bound.usedAt = now;
    let client = bound.client;
    if (client === undefined || client.evicted) {
      client = this.#openClient(leaf.id, binding.bind);
      bound.client = client;
    }
    client.inUse++;
    client.usedAt = now;
    return { bound, client };
  }

  /** A request has done with its client. */
  releaseClient(client: Client): void {
    this.#clients.release(client);
  }

  #openClient(id: string, bind: number): Client {
    const known = this.#clients.get(id) ?? this.#live.get(id);
    if (known !== undefined) return known;
    const client = this.#owner.createClient(id, (closed) => {
      if (this.#live.get(id) !== closed) return;
      this.#live.delete(id);
      this.#post({ type: "unwatch", router: this.#owner.key, id });
      this.#restIfIdle();
    });
    this.#live.set(id, client);
    this.#clients.add(id, client);
    this.#post({ type: "watch", router: this.#owner.key, id, bind });
    return client;
  }

  /** The control thread's word on a binding; the requests that can go on. */
  bound(bind: number, state: BindingState): Iterable<Waiting> {
    const binding = this.#bindings.get(bind);
    if (binding === undefined || this.#clinging.hold(binding, state, performance.now())) return [];
    return this.#decide(binding, state);
  }

  #decide(binding: Binding, state: BindingState): Iterable<Waiting> {
    const waiters = binding.update(state, (tree) => this.#prepare(tree));
    // The control thread feeds every client of a tree, so each must exist here, to be ended some day.
    if (binding.tree !== undefined) {
      for (const leaf of binding.tree.leaves) {
        const client = this.#openClient(leaf.id, binding.bind);
        client.inUse++;
        client.usedAt = Math.floor(performance.now());
        this.#clients.release(client);
      }
    }
    return waiters;
  }

  #prepare(tree: BoundTree): PreparedTree {
    const key = JSON.stringify(tree);
    const prepared = this.#trees.get(key) ?? this.#trees.add(key, new PreparedTree(tree));
    prepared.usedAt = Math.floor(performance.now());
    return prepared;
  }

  /** The control thread's word on a client's addresses. */
  addr(id: string, addr: Addr): void {
    this.#live.get(id)?.update(addr);
  }

  /** Every client there is. */
  clients(): Iterable<Client> {
    return this.#live.values();
  }

  /** Ends what is not in use, and the rest when the requests that use it have ended; then calls `idle`. */
  retire(idle: () => void): void {
    this.#paths.close();
    this.#trees.close();
    this.#bounds.close();
    this.#clients.close();
    this.#onIdle = idle;
    this.#restIfIdle();
  }

  #restIfIdle(): void {
    if (this.#onIdle === undefined || this.#bindings.size > 0 || this.#live.size > 0) return;
    const idle = this.#onIdle;
    this.#onIdle = undefined;
    idle();
  }
}
