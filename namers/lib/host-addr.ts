/** Hosts and ports, which may be names, as an Addr over time. */
import { Addr, Address, type Meta, Var } from "../../dtab/index.ts";
import { type HostLook, type ResolveContext, type ResolveHost, watchHost } from "./resolve.ts";

/** An endpoint as a source names it. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
  readonly meta?: Meta | undefined;
}

/** Resolves names again and again, each as `/$/inet` does, and takes all their addresses; IP addresses stand at once. */
export function addrOfHosts(
  entries: readonly HostPort[],
  ctx: ResolveContext,
  resolve?: ResolveHost,
  meta?: Meta,
): Var<Addr> {
  const hosts = [...new Set(entries.map(({ host }) => host))];
  const looks = Var.join(hosts.map((host) => watchHost(host, ctx, resolve)));
  return looks.map((found) => combine(entries, new Map(hosts.map((host, i) => [host, found[i]!])), meta));
}

/** What is known of the hosts; only if none is known, the first trouble. */
function combine(entries: readonly HostPort[], hosts: ReadonlyMap<string, HostLook>, meta?: Meta): Addr {
  const looks = [...hosts.values()];
  if (looks.some((look) => look.tag === "pending")) return Addr.pending;
  const addresses = entries.flatMap((entry) => {
    const look = hosts.get(entry.host)!;
    return look.tag === "found" ? look.ips.map((ip) => Address.of(ip, entry.port, entry.meta)) : [];
  });
  if (addresses.length > 0 || entries.length === 0) return Addr.bound(addresses, meta);
  const trouble = looks.find((look) => look.tag === "failed");
  return trouble === undefined ? Addr.neg : Addr.failed(`cannot resolve the hosts: ${trouble.message}`);
}
