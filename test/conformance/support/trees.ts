/** The JSON forms of trees, addresses and states in the vectors, and their comparison. */
import assert from "node:assert/strict";
import { Addr, Address, type Bound, NameTree, Path, type State, Var } from "../../../dtab/index.ts";
import { readIp } from "../../../namers/lib/resolve.ts";
import { same, stable } from "./case.ts";

// biome-ignore lint/suspicious/noExplicitAny: JSON of the vectors; a wrong shape fails the case.
export type Json = any;

/** An AST to a tree with leaves made by `leaf` from their paths. */
export function treeFromJson<T>(json: Json, leaf: (json: Json) => T): NameTree<T> {
  switch (json.type) {
    case "alt":
      return NameTree.alt(...json.trees.map((each: Json) => treeFromJson(each, leaf)));
    case "union":
      return NameTree.union(
        ...json.trees.map((each: Json) => ({ weight: each.weight, tree: treeFromJson(each.tree, leaf) })),
      );
    case "neg":
    case "empty":
    case "fail":
      return NameTree[json.type as "neg" | "empty" | "fail"];
    default:
      return NameTree.leaf(leaf(json));
  }
}

/** A tree to its AST. */
export function treeToJson<T>(tree: NameTree<T>, leaf: (value: T) => Json): Json {
  switch (tree.tag) {
    case "leaf":
      return leaf(tree.value);
    case "alt":
      return { type: "alt", trees: tree.trees.map((each) => treeToJson(each, leaf)) };
    case "union":
      return {
        type: "union",
        trees: tree.branches.map(({ weight, tree: each }) => ({ weight, tree: treeToJson(each, leaf) })),
      };
    case "neg":
    case "empty":
    case "fail":
      return { type: tree.tag };
  }
}

/** The AST of a leaf that is a path. */
export const pathLeaf = (path: Path): Json => ({ type: "leaf", path: path.show() });

/** An AST of unbound paths. */
export const pathTree = (json: Json): NameTree<Path> => treeFromJson(json, (leaf) => Path.read(leaf.path));

/** A tree of paths and bound names to its AST, addresses sampled. */
export const anyLeaf = (value: Path | Bound): Json =>
  value instanceof Path ? pathLeaf(value) : boundLeaf(value);

/** A bound leaf to its AST, its address sampled. */
export const boundLeaf = (bound: Bound): Json => ({
  type: "bound",
  id: bound.id.show(),
  residual: bound.residual.show(),
  addr: addrToJson(observed(bound.addr)),
});

/** The value that a Var has once somebody observes it. */
export function observed<T>(source: Var<T>): T {
  let value: T | undefined;
  source
    .observe((now) => {
      value = now;
    })
    .close();
  return value as T;
}

/** The JSON of an address set. */
export function addrToJson(addr: Addr): Json {
  if (addr.tag !== "bound") return { type: addr.tag };
  return {
    type: "bound",
    addrs: addr.addresses.map((address) =>
      address.status === undefined
        ? { ip: address.host, port: address.port, meta: address.meta }
        : { status: address.status, meta: address.meta },
    ),
    meta: addr.meta,
  };
}

/** An address set from its JSON. */
export function addrFromJson(json: Json): Addr {
  if (json.type === "bound") {
    return Addr.bound(
      json.addrs.map((each: Json) => Address.of(each.ip, each.port, each.meta ?? {})),
      json.meta ?? {},
    );
  }
  return json.type === "failed" ? Addr.failed("failed") : Addr[json.type as "neg" | "pending"];
}

/** A bound leaf from its JSON. */
export const boundFromJson = (json: Json): Bound => ({
  id: Path.read(json.id),
  addr: Var.value(addrFromJson(json.addr)),
  residual: Path.read(json.residual ?? "/"),
});

/** The state with the addresses that observers of its leaf see. */
export function withAddresses(state: State<NameTree<Path | Bound>>): State<NameTree<Path | Bound>> {
  if (state.tag !== "ok" || state.value.tag !== "leaf" || state.value.value instanceof Path) return state;
  const bound = state.value.value;
  const leaf = NameTree.leaf({ ...bound, addr: Var.value(observed(bound.addr)) });
  return { tag: "ok", value: leaf };
}

/** Fails unless a state is as `expect` says: `{state, tree?, message?}`. */
export function sameState(state: State<NameTree<Path | Bound>>, expect: Json): void {
  const message = state.tag === "failed" ? `: ${state.error.message}` : "";
  assert.equal(
    state.tag + message,
    expect.state + message,
    `state: expected ${expect.state}, got ${state.tag}${message}`,
  );
  if (state.tag === "ok") same(normal(treeToJson(state.value, anyLeaf)), normal(expect.tree), "tree");
  // Ours may say more (the cycle of a loop, the line of a file); the reference's text must be in it.
  if (
    state.tag === "failed" &&
    expect.message !== undefined &&
    !state.error.message.includes(expect.message)
  ) {
    assert.fail(`message: expected ${expect.message}, got ${state.error.message}`);
  }
}

/** A tree in a form that compares: absent defaults filled, sets sorted, IP addresses in one spelling. */
export function normal(json: Json): Json {
  if (json?.type === "bound" && "id" in json) {
    return { ...json, residual: json.residual ?? "/", ...(json.addr && { addr: normalAddr(json.addr) }) };
  }
  if (json?.type === "alt") return { ...json, trees: json.trees.map(normal) };
  if (json?.type === "union") {
    return {
      ...json,
      trees: json.trees.map((each: Json) => ({ weight: each.weight, tree: normal(each.tree) })),
    };
  }
  return json;
}

/** An address set in a form that compares. */
export function normalAddr(json: Json): Json {
  if (json.type !== "bound") return { type: json.type };
  const addrs = json.addrs.map((each: Json) => ({
    ...each,
    ip: readIp(each.ip) ?? each.ip,
    meta: each.meta ?? {},
  }));
  return { type: "bound", addrs: [...new Set<string>(addrs.map(stable))].sort(), meta: json.meta ?? {} };
}
