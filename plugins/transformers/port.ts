/** `io.l5d.port`: every address gets this port. */
import { Port } from "../../config/formats.ts";
import { Type } from "../../config/type.ts";
import { Addr, Address, Var } from "../../dtab/index.ts";
import { definePlugin } from "../contract.ts";
import { mappingAddrs } from "../lib/bound-transformers.ts";

export default definePlugin({
  slot: "transformer",
  kind: "io.l5d.port",
  schema: Type.Object({ port: Port({ minimum: 1, description: "The port that every address gets." }) }),
  create: ({ port }, { prefix }) => mappingAddrs(prefix, (addr) => Var.value(withPort(addr, port))),
});

/** Addresses that become equal are one. */
const withPort = (addr: Addr, port: number): Addr =>
  addr.tag === "bound"
    ? Addr.bound(
        addr.addresses.map((each) =>
          each.status === undefined ? Address.of(each.host, port, each.meta) : each,
        ),
        addr.meta,
      )
    : addr;
