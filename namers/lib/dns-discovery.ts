/** What namers that ask name servers have in common. */
import { Address, fromUtf8Bytes } from "../../dtab/index.ts";
import type { DiscoveryBudget } from "./discovery-keys.ts";
import type { DiscoveryOptions } from "./discovery-options.ts";
import type { HostPort } from "./host-addr.ts";
import { readIp } from "./resolve.ts";

/** Endpoints with IP addresses. */
export type Endpoints = readonly HostPort[];

/** The loop's options; `servers` are those of the configuration. */
export const dnsDiscovery = (
  servers: readonly string[],
  firstFailure: "absent" | "failed",
  budget: DiscoveryBudget,
): DiscoveryOptions<Endpoints> => ({
  source: servers.length === 0 ? "the system's name servers" : `the name servers ${servers.join(", ")}`,
  // Nothing blocks here: there are no cursors.
  pace: { waitMs: 0, deadlineMs: 20_000, backoff: { minMs: 500, maxMs: 10_000 } },
  limits: { found: 32, first: 16, absent: 4, leastRoundMs: { found: 1_000, absent: 5_000 } },
  ...budget,
  firstFailure,
  sizeOf: (endpoints) => endpoints.length,
  show: (endpoints) => endpoints.map(({ host, port }) => Address.show(Address.of(host, port))),
});

/** Endpoints in an order that does not depend on the server's, which rotates its answers. */
export const inOrder = (endpoints: Endpoints): Endpoints =>
  [...new Map(endpoints.map((each) => [`${each.host} ${each.port}`, each])).entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, each]) => each);

/** A segment as a name to ask for, lower case; undefined where it can be none. Names come from requests. */
export function readDnsName(segment: string | undefined): string | undefined {
  if (segment === undefined) return undefined;
  const name = fromUtf8Bytes(segment);
  const plain = /^[A-Za-z0-9._-]{1,254}$/.test(name) && !name.includes("..") && !name.startsWith(".");
  return plain && readIp(name) === undefined ? name.toLowerCase() : undefined;
}
