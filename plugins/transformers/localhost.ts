/** `io.l5d.localhost`: only the endpoints on this host. */
import { networkInterfaces } from "node:os";
import { Type } from "../../config/type.ts";
import { Activity, Var } from "../../dtab/index.ts";
import { type Clock, definePlugin, type Transformer, type TransformerContext } from "../contract.ts";
import { filtering } from "../lib/bound-transformers.ts";
import { sameIp } from "../lib/netmask.ts";

export default definePlugin({
  slot: "transformer",
  kind: "io.l5d.localhost",
  schema: Type.Object({}),
  create: (_config, ctx) => createLocalhost(ctx),
});

/** Interfaces come and go without telling. */
const refreshMs = 10_000;

/** The addresses of all interfaces that are up. */
export const interfaceAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((each = []) => each.map(({ address }) => address));

/** Keeps the addresses that an interface has; the interfaces are looked at again while somebody observes. */
export const createLocalhost = (
  { prefix, clock }: Pick<TransformerContext, "prefix" | "clock">,
  addresses = interfaceAddresses,
): Transformer =>
  filtering(
    prefix,
    Activity.fromVar(watchAddresses(clock, addresses)).map(
      (local) =>
        ({ host }) =>
          local.some((each) => sameIp(each, host)),
    ),
  );

const watchAddresses = (clock: Clock, addresses: () => readonly string[]): Var<readonly string[]> => {
  const run = async (set: (value: readonly string[]) => void, signal: AbortSignal): Promise<void> => {
    for (; !signal.aborted; await clock.sleep(refreshMs, signal)) set(addresses());
  };
  return Var.async<readonly string[]>([], run, (a, b) => a.join() === b.join());
};
