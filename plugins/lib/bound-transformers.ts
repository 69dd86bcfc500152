/** Transformers that keep the tree and change the addresses of its leaves. */
import { isIP } from "node:net";
import {
  Activity,
  Addr,
  type Address,
  type Bound,
  type HostAddress,
  NameTree,
  type Path,
  Var,
} from "../../dtab/index.ts";
import type { Transformer } from "../contract.ts";

/** Whether an address is kept. */
export type Keep = (address: HostAddress) => boolean;

/** Whether a gateway may stand for an endpoint. */
export type Serves = (gateway: HostAddress, endpoint: HostAddress) => boolean;

/** Puts `prefix` before each id and `change` behind each address set. */
export const mappingAddrs = (prefix: Path, change: (addr: Addr) => Var<Addr>): Transformer => ({
  delegable: true,
  transform: (tree) => Activity.value(mapAddrs(prefix, tree, change)),
});

/**
 * Keeps some addresses. A set of which nothing is left is Neg, and so is an empty one; a filter that is not known yet
 * is pending, one that cannot be known is failed.
 */
export const filtering = (prefix: Path, filter: Activity<Keep>): Transformer =>
  mappingAddrs(prefix, (addr) => {
    if (addr.tag !== "bound") return Var.value<Addr>(addr);
    return filter.states.map((state): Addr => {
      if (state.tag === "pending") return Addr.pending;
      if (state.tag === "failed") return Addr.failed(state.error);
      return setOf(
        addr.addresses.filter((each) => !isIpBased(each) || state.value(each)),
        addr.meta,
      );
    });
  });

/** Replaces each address by the gateways that serve it; one without any is dropped, and a set without any is Neg. */
export const throughGateways = (
  prefix: Path,
  gateways: Activity<NameTree<Bound>>,
  serves: Serves,
): Transformer => ({
  delegable: true,
  transform: (tree) =>
    gateways.map((found) => {
      const sets = Var.join(chosen(found).map((bound) => bound.addr));
      return mapAddrs(prefix, tree, (addr) => {
        if (addr.tag !== "bound") return Var.value<Addr>(addr);
        return sets.map((addrs) => {
          const all = addrs.flatMap((each) => (each.tag === "bound" ? each.addresses : []));
          return setOf(
            addr.addresses.flatMap((endpoint) => all.filter((gateway) => fits(gateway, endpoint, serves))),
            addr.meta,
          );
        });
      });
    }),
});

/** Both have the same fact under this key, or both lack it. */
export const sameMeta =
  (key: string): Serves =>
  (gateway, endpoint) =>
    gateway.meta[key] === endpoint.meta[key];

const mapAddrs = (prefix: Path, tree: NameTree<Bound>, change: (addr: Addr) => Var<Addr>): NameTree<Bound> =>
  NameTree.map(tree, ({ id, addr, residual }) => ({
    id: prefix.concat(id),
    addr: addr.flatMap(change),
    residual,
  }));

const setOf = (addresses: readonly Address[], meta: Readonly<Record<string, string | number>>): Addr =>
  addresses.length === 0 ? Addr.neg : Addr.bound(addresses, meta);

/** What is served in process, or has a name instead of an IP address, is nobody's neighbour and passes every filter. */
const isIpBased = (address: Address): address is HostAddress =>
  address.status === undefined && isIP(address.host) !== 0;

const fits = (gateway: Address, endpoint: Address, serves: Serves): boolean =>
  !isIpBased(gateway) || !isIpBased(endpoint) || serves(gateway, endpoint);

/** The leaves that requests to a tree can reach now: all of a union, the first alternative that is not Neg. */
const chosen = (tree: NameTree<Bound>): readonly Bound[] => reach(tree) ?? [];

const reach = (tree: NameTree<Bound>): readonly Bound[] | undefined => {
  switch (tree.tag) {
    case "leaf":
      return [tree.value];
    case "alt":
      for (const each of tree.trees) {
        const leaves = reach(each);
        if (leaves !== undefined) return leaves;
      }
      return undefined;
    case "union": {
      const branches = tree.branches.map((branch) => reach(branch.tree)).filter((each) => each !== undefined);
      return branches.length === 0 ? undefined : branches.flat();
    }
    case "neg":
      return undefined;
    case "empty":
    case "fail":
      return [];
  }
};
