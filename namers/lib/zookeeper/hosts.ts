/** Which server is tried next: all of them, in an order of chance, round and round. */

/** Where a server listens. */
export interface ZkAddr {
  readonly host: string;
  readonly port: number;
}

/** The servers of an ensemble. */
export class Hosts {
  readonly #order: readonly ZkAddr[];
  #at = -1;

  constructor(addrs: readonly ZkAddr[], random: () => number) {
    this.#order = addrs
      .map((addr) => ({ addr, rank: random() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ addr }) => addr);
  }

  /** How many there are. */
  get size(): number {
    return this.#order.length;
  }

  /** The next one. */
  next(): ZkAddr {
    this.#at = (this.#at + 1) % this.#order.length;
    return this.#order[this.#at]!;
  }
}

/** As connect strings have it. */
export const showAddr = ({ host, port }: ZkAddr): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
