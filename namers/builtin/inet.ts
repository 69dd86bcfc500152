/** `/$/inet`, `/$/fixedinet` and `/$/io.buoyant.rinet`: a host and a port, found by DNS. */
import { Activity, Addr, Address, type Bound, NameTree, Path, type Var } from "../../dtab/index.ts";
import { type HostLook, type ResolveContext, type ResolveHost, watchHost } from "../lib/resolve.ts";

/** Binds `[host,] port` to a host's addresses; undefined where the path has no such form. */
export type InetNamer = (path: Path) => Activity<NameTree<Bound>> | undefined;

const loopback = "127.0.0.1";
const root = Path.of("$");

/** `/[host/]port/residual`; without a host it is this one. */
export const createInet =
  (kind: "inet" | "fixedinet", ctx: ResolveContext, resolve?: ResolveHost): InetNamer =>
  (path) => {
    const [first, second] = path.segments;
    // A number in second place is the port, even if the first could be one too: as Linkerd 1 reads it.
    const size = readPort(second) === undefined ? 1 : 2;
    const port = readPort(size === 2 ? second : first);
    if (first === undefined || port === undefined) return undefined;
    const host = size === 2 ? first : loopback;
    return bindHost(kind, path, size, host, port, watchHost(host, ctx, resolve, kind === "fixedinet"));
  };

/** `/port/host/residual`. */
export const createRinet =
  (kind: string, ctx: ResolveContext, resolve?: ResolveHost): InetNamer =>
  (path) => {
    const [first, host] = path.segments;
    const port = readPort(first);
    if (host === undefined || port === undefined) return undefined;
    return bindHost(kind, path, 2, host, port, watchHost(host, ctx, resolve));
  };

function bindHost(kind: string, path: Path, size: number, host: string, port: number, look: Var<HostLook>) {
  if (port < 0 || port > 65535) return Activity.failed(new Error(`port out of range: ${port}`));
  const id = root.concat(Path.of(kind)).concat(path.take(size));
  const addr = look.map((found) => addrOf(found, host, port));
  return Activity.value<NameTree<Bound>>(NameTree.leaf({ id, addr, residual: path.drop(size) }));
}

function addrOf(look: HostLook, host: string, port: number): Addr {
  switch (look.tag) {
    case "pending":
      return Addr.pending;
    case "found":
      return Addr.bound(look.ips.map((ip) => Address.of(ip, port)));
    case "unknown":
      return Addr.neg;
    case "failed":
      return Addr.failed(`cannot resolve ${host}: ${look.message}`);
  }
}

/** An integer of 32 bits as Java reads it: a sign and leading zeros are allowed. */
function readPort(text: string | undefined): number | undefined {
  if (text === undefined || !/^[-+]?\d+$/.test(text)) return undefined;
  const value = Number(text);
  return value >= -(2 ** 31) && value < 2 ** 31 ? value : undefined;
}
