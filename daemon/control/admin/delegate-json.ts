/** An explained delegation as the JSON of Linkerd 1's `/delegator.json`. */
import {
  type Addr,
  type Address,
  type Bound,
  type DelegateTree,
  type Dentry,
  NameTree,
  Path,
} from "../../../dtab/index.ts";

/** A rule, both sides as text. */
export interface DentryJson {
  readonly prefix: string;
  readonly dst: string;
}

interface NodeJson {
  readonly path: string;
  /** Absent at the root. */
  readonly dentry?: DentryJson;
}

/** What a set of addresses looks like. */
export type AddrJson =
  | {
      readonly type: "bound";
      readonly addrs: readonly AddressJson[];
      readonly meta: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "neg" }
  | { readonly type: "pending" }
  | { readonly type: "failed"; readonly cause: string };

/** One address; `status` stands for a service in the daemon itself. */
export type AddressJson =
  | { readonly ip: string; readonly port: number; readonly meta: Readonly<Record<string, unknown>> }
  | { readonly status: number; readonly meta: Readonly<Record<string, unknown>> };

/** A bound name with its addresses now. */
export interface BoundJson {
  readonly addr: AddrJson;
  readonly id: string;
  /** The residual. */
  readonly path: string;
}

/** A node of the document. */
export type DelegateJson =
  | ({ readonly type: "empty" | "fail" | "neg" } & NodeJson)
  | ({ readonly type: "exception"; readonly message: string } & NodeJson)
  | ({ readonly type: "delegate"; readonly delegate: DelegateJson } & NodeJson)
  | ({ readonly type: "leaf"; readonly bound: BoundJson } & NodeJson)
  | ({ readonly type: "alt"; readonly alt: readonly DelegateJson[] } & NodeJson)
  | ({
      readonly type: "union";
      readonly union: readonly { readonly weight: number; readonly tree: DelegateJson }[];
    } & NodeJson)
  | ({
      readonly type: "transformation";
      readonly name: string;
      readonly bound: BoundJson;
      readonly tree: DelegateJson;
    } & NodeJson);

const failPrefix = Path.of("$", "fail");

/** The document of a tree; `addrOf` gives the addresses of a bound name. */
export function delegateJson(tree: DelegateTree, addrOf: (bound: Bound) => Addr): DelegateJson {
  const node = { path: showPath(tree), ...(tree.dentry && { dentry: dentryJson(tree.dentry) }) };
  const child = (each: DelegateTree): DelegateJson => delegateJson(each, addrOf);
  switch (tree.tag) {
    case "neg":
    case "empty":
    case "fail":
      return { type: tree.tag, ...node };
    case "exception":
      return { type: "exception", ...node, message: tree.error.message };
    case "delegate":
      return { type: "delegate", ...node, delegate: child(tree.tree) };
    case "leaf":
      return { type: "leaf", ...node, bound: boundJson(tree.value, addrOf) };
    case "alt":
      return { type: "alt", ...node, alt: tree.trees.map(child) };
    case "union":
      return {
        type: "union",
        ...node,
        union: tree.branches.map((each) => ({ weight: each.weight, tree: child(each.tree) })),
      };
    case "transformation":
      return {
        type: "transformation",
        ...node,
        name: tree.name,
        bound: boundJson(tree.value, addrOf),
        tree: child(tree.tree),
      };
  }
}

/** The JSON of an address set; addresses by which names tell them apart in Linkerd 1's documents. */
export function addrJson(addr: Addr): AddrJson {
  switch (addr.tag) {
    case "bound":
      return { type: "bound", addrs: addr.addresses.map(addressJson), meta: addr.meta };
    case "failed":
      return { type: "failed", cause: addr.message };
    case "neg":
    case "pending":
      return { type: addr.tag };
  }
}

const addressJson = (address: Address): AddressJson =>
  address.status === undefined
    ? { ip: address.host, port: address.port, meta: address.meta }
    : { status: address.status, meta: address.meta };

const boundJson = (bound: Bound, addrOf: (bound: Bound) => Addr): BoundJson => ({
  addr: addrJson(addrOf(bound)),
  id: bound.id.show(),
  path: bound.residual.show(),
});

const dentryJson = ({ prefix, dst }: Dentry): DentryJson => ({
  prefix: prefix.show(),
  dst: NameTree.show(dst),
});

/** A literal `!` or `~` is shown as such. */
function showPath(tree: DelegateTree): string {
  if (tree.tag === "fail" && !tree.path.startsWith(failPrefix)) return "!";
  return tree.tag === "neg" && tree.path.isEmpty ? "~" : tree.path.show();
}
