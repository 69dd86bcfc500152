/** `io.l5d.specificHost`: only the endpoints on one host. */
import { isIP } from "node:net";
import { Type } from "../../config/type.ts";
import { Activity, Path, State } from "../../dtab/index.ts";
import { definePlugin, type TransformerContext } from "../contract.ts";
import { filtering, type Keep } from "../lib/bound-transformers.ts";
import { sameIp } from "../lib/netmask.ts";

export default definePlugin({
  slot: "transformer",
  kind: "io.l5d.specificHost",
  schema: Type.Object({
    host: Type.String({
      pattern: "^[\\w.:%-]+$",
      description: "An IP address, or a host name, which is resolved.",
    }),
  }),
  create: ({ host }, { prefix, bind }) => filtering(prefix, hostFilter(host, bind)),
});

/** Keeps the addresses of a host; a name is resolved as `/$/inet` does, again and again. */
function hostFilter(host: string, bind: TransformerContext["bind"]): Activity<Keep> {
  const keep =
    (ips: readonly string[]): Keep =>
    (address) =>
      ips.some((ip) => sameIp(ip, address.host));
  if (isIP(host) !== 0) return Activity.value(keep([host]));
  // Any port will do: only the hosts count.
  return bind(Path.utf8("$", "inet", host, "1")).flatMap((tree) => {
    if (tree.tag !== "leaf") return Activity.failed(new Error(`no such host: ${host}`));
    return Activity.of(
      tree.value.addr.map((addr): State<Keep> => {
        if (addr.tag === "pending") return State.pending;
        if (addr.tag === "failed") return State.failed(new Error(addr.message));
        return State.ok(keep(addr.tag === "neg" ? [] : addr.addresses.flatMap(({ host: ip }) => ip ?? [])));
      }),
    );
  });
}
