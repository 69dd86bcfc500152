/** Host names to addresses, over time. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { Var } from "../../dtab/index.ts";
import type { Clock, Logger } from "../../plugins/contract.ts";

/** Asks the resolver for every address of a host; it throws as `dns.lookup` does. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

/** What became of a host name. */
export type HostLook =
  | { readonly tag: "pending" }
  | { readonly tag: "found"; readonly ips: readonly string[] }
  /** There is no such host. */
  | { readonly tag: "unknown" }
  | { readonly tag: "failed"; readonly message: string };

/** What a watch of a host needs. */
export interface ResolveContext {
  readonly clock: Clock;
  readonly log: Logger;
}

const refreshMs = 5_000;

/** The system's resolver: IPv4 and IPv6. */
export const systemResolve: ResolveHost = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/** An IP address as it is compared: also the short forms of IPv4 (`127.1`), and IPv6 in brackets; undefined for names. */
export function readIp(host: string): string | undefined {
  const bare = /^\[.*\]$/.test(host) ? host.slice(1, -1) : host;
  if (isIP(bare) !== 0) return bare;
  if (!/^\d+(?:\.\d+){0,3}$/.test(bare)) return undefined;
  const parts = bare.split(".").map(Number);
  const last = parts.pop()!;
  if (parts.some((part) => part > 255) || last >= 256 ** (4 - parts.length)) return undefined;
  const whole = parts.reduce((sum, part, i) => sum + part * 256 ** (3 - i), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(whole / 2 ** shift) % 256).join(".");
}

/**
 * The addresses of a host, asked for again every 5 s while observed, or with `once` only until they are known. A failed
 * refresh keeps them; an answer that there is no such host does not.
 */
export function watchHost(
  host: string,
  ctx: ResolveContext,
  resolve = systemResolve,
  once = false,
): Var<HostLook> {
  const ip = readIp(host);
  if (ip !== undefined) return Var.value<HostLook>({ tag: "found", ips: [ip] });
  const run = async (set: (look: HostLook) => void, signal: AbortSignal): Promise<void> => {
    let found = false;
    let complained = false;
    for (; !signal.aborted; await ctx.clock.sleep(refreshMs, signal)) {
      const look = await askOnce(host, resolve);
      if (signal.aborted) return;
      if (look.tag === "failed" && !complained) {
        ctx.log.warn(`cannot resolve ${host}${found ? "; its last addresses are kept" : ""}`, {
          cause: look.message,
        });
      }
      complained = look.tag === "failed";
      if (look.tag !== "failed" || !found) set(look);
      found = look.tag === "found" || (found && look.tag === "failed");
      if (once && found) return;
    }
  };
  return Var.async<HostLook>({ tag: "pending" }, run, sameLook);
}

async function askOnce(host: string, resolve: ResolveHost): Promise<HostLook> {
  try {
    const ips = await resolve(host);
    return ips.length === 0 ? { tag: "unknown" } : { tag: "found", ips: [...new Set(ips)] };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOTFOUND" || code === "ENODATA" ? { tag: "unknown" } : { tag: "failed", message };
  }
}

const sameLook = (a: HostLook, b: HostLook): boolean =>
  JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
/** Resolvers rotate their answers. */
const sorted = (look: HostLook): HostLook =>
  look.tag === "found" ? { ...look, ips: [...look.ips].sort() } : look;
