/** Whether discovery's word alone takes an endpoint away, or only together with its silence: Envoy's 2×2 rule. */
import { type Addr, distrustedKey } from "../../../dtab/index.ts";

/** A client's `trustDiscovery`: always; unless its namer marks the set as too old, and for a while after; never. */
export type TrustMode = "always" | "whenFresh" | "never";

/** A source that is back tells what it remembers bit by bit; after so long its word counts again. */
const recoveryMs = 300_000;

/** The trust of one client. */
export class DiscoveryTrust {
  readonly #mode: TrustMode;
  #isDistrusted = false;
  #freshAtMs = Number.NEGATIVE_INFINITY;

  constructor(mode: TrustMode) {
    this.#mode = mode;
  }

  /** Hears what discovery says. */
  hear(addr: Addr, nowMs: number): void {
    const isDistrusted = addr.tag === "bound" && addr.meta[distrustedKey] !== undefined;
    if (this.#isDistrusted && !isDistrusted) this.#freshAtMs = nowMs;
    this.#isDistrusted = isDistrusted;
  }

  /** Whether an endpoint that discovery drops stays while it answers. */
  doubts(nowMs: number): boolean {
    switch (this.#mode) {
      case "always":
        return false;
      case "whenFresh":
        return this.#isDistrusted || nowMs - this.#freshAtMs < recoveryMs;
      case "never":
        return true;
    }
  }
}
