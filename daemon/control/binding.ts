/**
 * One name under one dtab, observed for all workers that asked for it.
 *
 * Pending → Ok | Failed; Failed → Ok | Failed; Ok → Ok. Once it was ok the last good tree is kept: a later failure is
 * logged and shown on the admin pages, and no worker hears of it.
 */
import {
  type Activity,
  type Addr,
  type Bound,
  type Closable,
  DelegationLoopError,
  NameTree,
  type State,
  type Var,
} from "../../dtab/index.ts";
import type { Logger } from "../../plugins/contract.ts";
import type { BindingState, BoundTree } from "../shared/messages.ts";
import type { ClientAddresses } from "./client-addresses.ts";

/** What a binding needs. */
export interface BindingContext {
  /** What messages call the router. */
  readonly key: string;
  /** Its label. */
  readonly router: string;
  /** The request's own dtab, as text. */
  readonly localDtab: string;
  readonly path: string;
  bind(): Activity<NameTree<Bound>>;
  /** Why the name leads nowhere, a line per step; undefined where nobody can tell. */
  explain(): readonly string[] | undefined;
  readonly log: Logger;
  ended(): void;
}

/** Hears of each new state, and of the clients that its tree names and the last one did not. */
export interface BindingObserver {
  changed(state: BindingState, began: readonly string[]): void;
}

/** One name under one dtab. */
export class Binding {
  readonly key: string;
  readonly router: string;
  readonly localDtab: string;
  readonly path: string;
  /** What workers know. */
  state: BindingState = { tag: "pending" };
  /** A failure since the last good tree. */
  failure: string | undefined;
  readonly #context: BindingContext;
  readonly #observers = new Set<BindingObserver>();
  #sources: ReadonlyMap<string, Var<Addr>> = new Map();
  #lastSources: ReadonlyMap<string, Var<Addr>> = new Map();
  readonly #fed = new Map<string, ClientAddresses>();
  #observation: Closable | undefined;
  /** Replaced with the observation: what an older one says does not count. */
  #turn = {};
  #shown = "";

  constructor(context: BindingContext) {
    this.key = context.key;
    this.router = context.router;
    this.localDtab = context.localDtab;
    this.path = context.path;
    this.#context = context;
  }

  /** Adds an observer: it hears of the state now, unless that is pending, and of every change. */
  join(observer: BindingObserver): void {
    this.#observers.add(observer);
    if (this.#observation !== undefined) {
      if (this.state.tag !== "pending") observer.changed(this.state, [...this.#sources.keys()]);
      return;
    }
    this.#observation = { close() {} };
    this.#observe();
  }

  /** Binds anew, for the naming of its router has changed; what workers know stays until the new one has its say. */
  rebind(): void {
    if (this.#observation !== undefined) this.#observe();
  }

  // The new observation begins before the last one ends, so that what both rest on goes on.
  #observe(): void {
    const last = this.#observation;
    const turn = {};
    this.#turn = turn;
    let next: Closable = { close() {} };
    try {
      // The first state comes before `observe` returns, and its observer may leave again.
      next = this.#context.bind().observe((state) => {
        if (this.#turn === turn) this.#update(state);
      });
    } catch (cause) {
      this.#failed(cause instanceof Error ? cause : new Error(String(cause)));
    }
    if (this.#observation === undefined) {
      next.close();
      return;
    }
    this.#observation = next;
    last?.close();
  }

  /** Removes an observer. */
  leave(observer: BindingObserver): void {
    if (!this.#observers.delete(observer) || this.#observers.size > 0) return;
    this.#observation?.close();
    this.#observation = undefined;
    for (const client of this.#fed.values()) client.unfeed(this);
    this.#fed.clear();
    this.#context.ended();
  }

  /** The clients that the tree names. */
  clients(): Iterable<string> {
    return this.#sources.keys();
  }

  /** Where the addresses of a client come from, by the tree now or the one before it. */
  source(id: string): Var<Addr> | undefined {
    return this.#sources.get(id) ?? this.#lastSources.get(id);
  }

  /** Gives a client its addresses from here on, as long as the tree names it. */
  feed(id: string, client: ClientAddresses): void {
    const source = this.source(id);
    if (source === undefined) return;
    this.#fed.set(id, client);
    client.feed(this, source);
  }

  #update(state: State<NameTree<Bound>>): void {
    if (this.#observation === undefined) return;
    switch (state.tag) {
      case "pending":
        break;
      case "failed":
        this.#failed(state.error);
        break;
      case "ok":
        this.#ok(state.value);
        break;
    }
  }

  #failed(error: Error): void {
    const { log, router, path } = this.#context;
    if (this.failure !== error.message)
      log.warn("a name cannot be bound", { router, path, cause: error.message });
    this.failure = error.message;
    if (this.state.tag === "ok" || (this.state.tag === "failed" && this.state.message === error.message))
      return;
    const code = error instanceof DelegationLoopError ? "E_DELEGATION_LOOP" : "E_BIND_FAILED";
    this.#publish({ tag: "failed", message: error.message, code }, []);
  }

  #ok(value: NameTree<Bound>): void {
    if (this.failure !== undefined) {
      this.failure = undefined;
      const { log, router, path } = this.#context;
      log.info("a name is bound again", { router, path });
    }
    const sources = new Map<string, Var<Addr>>();
    const tree = toBoundTree(value, sources);
    const began = [...sources.keys()].filter((id) => !this.#sources.has(id));
    this.#lastSources = this.#sources;
    this.#sources = sources;
    this.#refeed();
    const shown = JSON.stringify(tree);
    if (this.state.tag === "ok" && shown === this.#shown) return;
    this.#shown = shown;
    const why = tree.tag === "leaf" || tree.tag === "union" ? undefined : this.#context.explain();
    this.#publish(why === undefined ? { tag: "ok", tree } : { tag: "ok", tree, why }, began);
  }

  /** The same clients may have new sources of addresses. */
  #refeed(): void {
    for (const [id, client] of [...this.#fed]) {
      const source = this.#sources.get(id);
      if (source !== undefined) {
        client.feed(this, source);
      } else {
        this.#fed.delete(id);
        client.unfeed(this);
      }
    }
  }

  #publish(state: BindingState, began: readonly string[]): void {
    this.state = state;
    for (const observer of [...this.#observers]) observer.changed(state, began);
  }
}

/** A bound tree as workers take it; `sources` is filled with its clients, of which the first of an id counts. */
const toBoundTree = (tree: NameTree<Bound>, sources: Map<string, Var<Addr>>): BoundTree => {
  switch (tree.tag) {
    case "leaf": {
      const id = tree.value.id.show();
      if (!sources.has(id)) sources.set(id, tree.value.addr);
      return { tag: "leaf", id, residual: tree.value.residual.show() };
    }
    case "union": {
      const branches = tree.branches.map(({ weight, tree: branch }) => ({
        weight,
        tree: toBoundTree(branch, sources),
      }));
      return { tag: "union", branches };
    }
    case "alt":
      // An interpreter settles these; a plugin that does not is helped, as far as it can be without looking again.
      return toBoundTree(tree.trees.find((each) => each.tag !== "neg") ?? NameTree.neg, sources);
    case "neg":
    case "empty":
    case "fail":
      return { tag: tree.tag };
  }
};
