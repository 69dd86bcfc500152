/** The addresses of a host by A and AAAA queries, where one that fails keeps what it had said before. */
import type { AddressRecord, DnsOutcome, DnsQueries } from "./dns-query.ts";

/** Asks for a host's addresses again and again; the memory is one watch's own. */
export class DnsHost {
  readonly #queries: DnsQueries;
  readonly #host: string;
  readonly #last: [readonly AddressRecord[], readonly AddressRecord[]] = [[], []];

  constructor(queries: DnsQueries, host: string) {
    this.#queries = queries;
    this.#host = host;
  }

  /**
   * IPv4 first; empty where the host has no addresses. Throws if neither query was answered, or if one failed and
   * nothing is known from the other: "no" from one half is not enough to say that there is nothing.
   */
  async ask(): Promise<readonly AddressRecord[]> {
    const outcomes = await Promise.all([this.#queries.a(this.#host), this.#queries.aaaa(this.#host)]);
    const [a, aaaa] = outcomes;
    const [failure] = outcomes.flatMap((each) => (each.tag === "failed" ? [each.error] : []));
    if (a.tag === "failed" && aaaa.tag === "failed") throw failure;
    this.#keep(0, a);
    this.#keep(1, aaaa);
    const records = this.known;
    if (records.length === 0 && failure !== undefined) throw failure;
    return records;
  }

  /** What the last good answers were. */
  get known(): readonly AddressRecord[] {
    return this.#last.flat();
  }

  #keep(half: 0 | 1, outcome: DnsOutcome<AddressRecord>): void {
    if (outcome.tag !== "failed") this.#last[half] = outcome.tag === "found" ? outcome.records : [];
  }
}
