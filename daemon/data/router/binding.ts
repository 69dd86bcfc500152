/** What a logical name is bound to, as the worker sees it: a tree that the control thread keeps up to date. */
import { compileTree, type NameTree, type Path, type TreePicker } from "../../../dtab/index.ts";
import { type ErrorCode, ProxyError } from "../../../plugins/errors.ts";
import type { BindingState, BoundTree } from "../../shared/messages.ts";
import type { Client } from "../client/client.ts";
import type { CacheEntry } from "../idle-cache.ts";
import type { LocalDtab } from "./dtab-headers.ts";
import type { Service } from "./service.ts";

/** A client with what is left of the path. */
export class Bound implements CacheEntry {
  readonly id: string;
  /** `/` if nothing is left. */
  readonly residual: string;
  /** The fields that tell the endpoint, each with its CRLF. */
  readonly fields: string;
  client: Client | undefined = undefined;
  inUse = 0;
  usedAt = 0;
  evicted = false;

  constructor(id: string, residual: string) {
    this.id = id;
    this.residual = residual;
    this.fields = `l5d-dst-client: ${id}\r\n` + (residual === "/" ? "" : `l5d-dst-residual: ${residual}\r\n`);
  }

  close(): void {
    this.client = undefined;
  }
}

/** A leaf of a bound tree, and what it led to last time. */
export interface BoundLeaf {
  readonly id: string;
  readonly residual: string;
  bound: Bound | undefined;
}

/** A bound tree, ready to be picked from; shared by all names that are bound alike. */
export class PreparedTree implements CacheEntry {
  readonly picker: TreePicker<BoundLeaf>;
  readonly leaves: readonly BoundLeaf[];
  inUse = 0;
  usedAt = 0;
  evicted = false;

  constructor(tree: BoundTree) {
    const leaves: BoundLeaf[] = [];
    this.picker = compileTree(withLeaves(tree, leaves));
    this.leaves = leaves;
  }

  close(): void {}
}

function withLeaves(tree: BoundTree, leaves: BoundLeaf[]): NameTree<BoundLeaf> {
  switch (tree.tag) {
    case "leaf": {
      const leaf: BoundLeaf = { id: tree.id, residual: tree.residual, bound: undefined };
      leaves.push(leaf);
      return { tag: "leaf", value: leaf };
    }
    case "union":
      return {
        tag: "union",
        branches: tree.branches.map((branch) => ({
          weight: branch.weight,
          tree: withLeaves(branch.tree, leaves),
        })),
      };
    case "neg":
    case "empty":
    case "fail":
      return tree;
  }
}

/** A request that waits for a binding or for addresses. */
export interface Waiting {
  /** It can go on, if it still wants to. */
  attempt(): void;
}

/** Whose binding it is. */
export interface BindingOwner {
  bindingEnded(binding: Binding): void;
}

/** The binding of one (path, local dtab); requests wait here while it is pending. */
export class Binding implements CacheEntry {
  readonly owner: BindingOwner;
  readonly service: Service;
  inUse = 0;
  usedAt = 0;
  evicted = false;
  /** Ready to be picked from, once it has been bound. */
  tree: PreparedTree | undefined = undefined;
  #waiters: Set<Waiting> | undefined = undefined;

  readonly bind: number;
  readonly path: string;
  readonly local: LocalDtab;
  /** The walk that ended nowhere. */
  why: readonly string[] | undefined = undefined;
  #failure: { readonly code: ErrorCode; readonly message: string } | undefined = undefined;
  /** The path that leads here without a look. */
  #name: Path | undefined = undefined;

  constructor(bind: number, path: string, local: LocalDtab, service: Service, owner: BindingOwner) {
    this.bind = bind;
    this.path = path;
    this.local = local;
    this.service = service;
    this.owner = owner;
  }

  /** Neither bound nor failed yet. */
  get pending(): boolean {
    return this.tree === undefined && this.#failure === undefined;
  }

  /** Why it cannot be bound. */
  get failure(): ProxyError | undefined {
    return this.#failure && new ProxyError(this.#failure.code, this.#failure.message);
  }

  /** The request goes on when the binding is decided. */
  await(request: Waiting): void {
    (this.#waiters ??= new Set()).add(request);
  }

  /** The request waits no more: a name that is never decided must not keep whoever asked for it. */
  forget(request: Waiting): void {
    this.#waiters?.delete(request);
  }

  /** A new state; the requests that waited for it, if it decides. Once bound, a failure changes nothing. */
  update(state: BindingState, prepare: (tree: BoundTree) => PreparedTree): Iterable<Waiting> {
    if (state.tag === "pending") return [];
    if (state.tag === "ok") {
      this.tree = prepare(state.tree);
      this.why = state.why;
      this.#failure = undefined;
    } else if (this.tree === undefined) this.#failure = { code: state.code, message: state.message };
    const waiters = this.#waiters;
    this.#waiters = undefined;
    return waiters ?? [];
  }

  /** The path leads here from now on, and no other: it is kept for longer than a binding, and must not keep one alive. */
  knownBy(path: Path): void {
    this.#forgotten();
    this.#name = path;
    path.known = this;
  }

  #forgotten(): void {
    if (this.#name?.known === this) this.#name.known = undefined;
    this.#name = undefined;
  }

  close(): void {
    this.#forgotten();
    this.owner.bindingEnded(this);
  }
}
