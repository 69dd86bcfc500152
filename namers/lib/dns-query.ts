/** DNS queries of certain types, each with its outcome as a value: found, no such name, or a failure that may pass. */
import { lookup, Resolver } from "node:dns/promises";
import { isIP } from "node:net";

/** An SRV record. */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
}

/** An address with the seconds for which it may be kept. */
export interface AddressRecord {
  readonly address: string;
  readonly ttl: number;
}

/** What became of a query. */
export type DnsOutcome<T> =
  | { readonly tag: "found"; readonly records: readonly T[] }
  /** There is no such name, or nothing of this type. */
  | { readonly tag: "absent" }
  | { readonly tag: "failed"; readonly error: Error };

/** Asks a name server; never throws. */
export interface DnsQueries {
  srv(name: string): Promise<DnsOutcome<SrvRecord>>;
  a(host: string): Promise<DnsOutcome<AddressRecord>>;
  aaaa(host: string): Promise<DnsOutcome<AddressRecord>>;
}

/** How long one try of a query may take, and how many there are. */
const tries = { timeout: 2_000, tries: 2 };

/** Queries to some name servers (`host`, or `host:port`), or to those of the system. */
export function dnsQueries(servers: readonly string[]): DnsQueries {
  let opened: Promise<Resolver> | undefined;
  const open = async (): Promise<Resolver> => {
    const resolver = new Resolver(tries);
    if (servers.length > 0) resolver.setServers((await Promise.all(servers.map(addressesOf))).flat());
    return resolver;
  };
  const ask = async <T>(query: (resolver: Resolver) => Promise<T[]>): Promise<DnsOutcome<T>> => {
    const answer = await outcome(async () => query(await (opened ??= open())));
    // A name server may have moved to another address.
    if (answer.tag === "failed") opened = undefined;
    return answer;
  };
  return {
    srv: (name) => ask((resolver) => resolver.resolveSrv(name)),
    a: (host) => ask((resolver) => resolver.resolve4(host, { ttl: true })),
    aaaa: (host) => ask((resolver) => resolver.resolve6(host, { ttl: true })),
  };
}

/** A name server as the resolver wants it: its addresses, with the port. */
async function addressesOf(server: string): Promise<string[]> {
  if (isIP(server) === 6) return [`[${server}]`];
  const [, host = server, port = ""] = /^(.*?)(:\d+)?$/.exec(server) ?? [];
  if (isIP(host) !== 0 || host.startsWith("[")) return [server];
  const found = await lookup(host, { all: true });
  return found.map(({ address, family }) => `${family === 6 ? `[${address}]` : address}${port}`);
}

async function outcome<T>(ask: () => Promise<T[]>): Promise<DnsOutcome<T>> {
  try {
    const records = await ask();
    return records.length === 0 ? { tag: "absent" } : { tag: "found", records };
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    // EBADNAME: a text that can be no name.
    const absent =
      error.syscall?.startsWith("query") && ["ENOTFOUND", "ENODATA", "EBADNAME"].includes(error.code ?? "");
    return absent ? { tag: "absent" } : { tag: "failed", error };
  }
}
