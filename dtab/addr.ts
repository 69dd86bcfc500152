/** Address, Addr and Bound: what a name is bound to. */
import type { Path } from "./path.ts";
import type { Var } from "./var.ts";

/** Facts about an address or a set of them, under Finagle's keys. */
export type Meta = Readonly<Record<string, string | number>>;

/** An endpoint that can be connected to; `host` is an IP address, or a name that the connection resolves. */
export interface HostAddress {
  readonly host: string;
  readonly port: number;
  /** `endpoint_addr_weight`, `nodeName`, `authority`… */
  readonly meta: Meta;
  readonly status?: undefined;
}

/** An endpoint served in process: it answers every request with this HTTP status (`/$/io.buoyant.http.status/<code>`). */
export interface StatusAddress {
  readonly status: number;
  readonly meta: Meta;
  readonly host?: undefined;
  readonly port?: undefined;
}

/** An endpoint; `status` tells the two apart. */
export type Address = HostAddress | StatusAddress;

/** The state of a set of endpoints: plain data, it crosses the port between the planes. */
export type Addr =
  | { readonly tag: "bound"; readonly addresses: readonly Address[]; readonly meta: Meta }
  | { readonly tag: "neg" }
  | { readonly tag: "pending" }
  | { readonly tag: "failed"; readonly message: string };

/** A name resolved to the end. Two with equal `id` are one client, whatever their `addr`. */
export interface Bound {
  /** The name of the client, e.g. `/#/io.l5d.fs/web`. */
  readonly id: Path;
  readonly addr: Var<Addr>;
  /** What of the path was not consumed. */
  readonly residual: Path;
}

/** The weight of an address in its balancer. */
export const addressWeightKey = "endpoint_addr_weight";
/** The weight of the innermost union branch that led to a set. */
export const treeWeightKey = "namer_nametree_weight";
/** Marks a set that its source has not confirmed for longer than its namer trusts it. */
export const distrustedKey = "discovery_distrusted";

const noMeta: Meta = Object.freeze({});

/** Makers of addresses. */
export const Address = {
  of: (host: string, port: number, meta: Meta = noMeta): HostAddress => ({ host, port, meta }),
  status: (status: number): StatusAddress => ({ status, meta: noMeta }),
  /** Host, port and status as one text; equal for addresses that differ in their facts only. */
  show: (address: Address): string => {
    if (address.status !== undefined) return `status ${address.status}`;
    return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
  },
  equals: (a: Address, b: Address): boolean =>
    a.host === b.host && a.port === b.port && a.status === b.status && metaEquals(a.meta, b.meta),
};

/** Makers of Addrs and their laws. */
export const Addr = {
  /** A set: of equal addresses the first is kept. */
  bound: (addresses: readonly Address[], meta: Meta = noMeta): Addr => ({
    tag: "bound",
    addresses: distinct(addresses),
    meta,
  }),
  neg: { tag: "neg" } as const satisfies Addr,
  pending: { tag: "pending" } as const satisfies Addr,
  failed: (cause: unknown): Addr => ({
    tag: "failed",
    message: cause instanceof Error ? cause.message : String(cause),
  }),
  /** Whether two are the same; sets have no order. */
  equals: (a: Addr, b: Addr): boolean => {
    if (a === b) return true;
    if (a.tag === "failed" && b.tag === "failed") return a.message === b.message;
    if (a.tag !== "bound" || b.tag !== "bound") return a.tag === b.tag;
    return metaEquals(a.meta, b.meta) && sameMembers(a.addresses, b.addresses);
  },
  /** The same set with one more fact. */
  withMeta: (addr: Addr, key: string, value: string | number): Addr =>
    addr.tag === "bound" ? { ...addr, meta: { ...addr.meta, [key]: value } } : addr,
  /** The same set, marked as one that is too old to be trusted. */
  distrusted: (addr: Addr): Addr => Addr.withMeta(addr, distrustedKey, 1),
};

function metaEquals(a: Meta, b: Meta): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

const keyOf = (address: Address): string => {
  const meta = Object.keys(address.meta).sort();
  return `${Address.show(address)} ${meta.map((key) => `${key}=${typeof address.meta[key]}:${address.meta[key]}`).join(" ")}`;
};

function distinct(addresses: readonly Address[]): readonly Address[] {
  if (addresses.length < 2) return addresses;
  const byKey = new Map<string, Address>();
  for (const address of addresses) {
    const key = keyOf(address);
    if (!byKey.has(key)) byKey.set(key, address);
  }
  return byKey.size === addresses.length ? addresses : [...byKey.values()];
}

function sameMembers(a: readonly Address[], b: readonly Address[]): boolean {
  if (a.length !== b.length) return false;
  if (a.every((address, i) => Address.equals(address, b[i]!))) return true;
  const keys = new Set(a.map(keyOf));
  return b.every((address) => keys.has(keyOf(address)));
}
