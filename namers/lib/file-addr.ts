/** An address file as an Addr over time. */
import { Addr, addressWeightKey, Var } from "../../dtab/index.ts";
import type { PluginContext } from "../../plugins/contract.ts";
import { type FileLook, followFile } from "../../plugins/lib/watch-file.ts";
import type { FolderWatches } from "../../plugins/lib/watch-folder.ts";
import type { WatchState } from "../../plugins/lib/watch-state.ts";
import { type AddressLine, readAddressFile } from "./address-file.ts";
import { addrOfHosts } from "./host-addr.ts";
import type { ResolveHost } from "./resolve.ts";

type Context = Pick<PluginContext, "clock" | "log">;
type Lines = { readonly lines: readonly AddressLine[] } | { readonly addr: Addr };

/**
 * Follows the file while observed. Once it was good, a bad line, a file that cannot be read or one that is gone keeps
 * the last good set. Host names are resolved again and again, each as `/$/inet` does.
 */
export function watchAddressFile(
  file: string,
  ctx: Context,
  watch: WatchState,
  watches: FolderWatches,
  resolve?: ResolveHost,
): Var<Addr> {
  return Var.async<Addr>(
    Addr.pending,
    async (set, signal) => {
      watch.start(signal);
      const addr = followLines(file, ctx, watch, watches).flatMap((now) =>
        "addr" in now ? Var.value(now.addr) : addrOfLines(now.lines, ctx, resolve),
      );
      const observation = addr.observe((now) => {
        // Names of a new version that are still being resolved do not take away what there was.
        if (now.tag === "bound" || now.tag === "neg") watch.update(now.tag === "bound" ? now.addresses : []);
        if (now.tag !== "pending") set(now);
      });
      signal.addEventListener("abort", () => observation.close());
    },
    Addr.equals,
  );
}

function followLines(file: string, ctx: Context, watch: WatchState, watches: FolderWatches): Var<Lines> {
  return Var.async<Lines>({ addr: Addr.pending }, async (set, signal) => {
    let good = false;
    const refuse = (message: string): void => {
      watch.fail(message);
      ctx.log.warn(`${message}${good ? "; the last good addresses are kept" : ""}`, { file });
      if (!good) set({ addr: Addr.failed(message) });
    };
    const found = (look: FileLook) => {
      // A file that is gone is the listing's business: the name is Neg then, and nobody asks for its addresses.
      if (look.tag === "failed") return refuse(`cannot read ${file}: ${look.error.message}`);
      const read = readAddressFile(look.text);
      if (read.tag === "bad") return refuse(`${file}:${read.line}: ${read.problem}`);
      good = true;
      set({ lines: read.lines });
    };
    await followFile(file, ctx.clock, signal, found, watches);
  });
}

const addrOfLines = (lines: readonly AddressLine[], ctx: Context, resolve?: ResolveHost): Var<Addr> =>
  addrOfHosts(
    lines.map(({ host, port, weight }) => ({
      host,
      port,
      meta: weight === undefined ? undefined : { [addressWeightKey]: weight },
    })),
    ctx,
    resolve,
  );
