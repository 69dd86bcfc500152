/**
 * How much of a client's load the endpoints of its own zone take.
 *
 * Their live share is measured against the most that there were within the last ten minutes: endpoints that discovery
 * takes away are as little there as those that fail. Below `spillBelow` percent the zone takes what it can bear, as a part
 * of `returnAt`; from `returnAt` on it takes everything again. Between the two nothing changes from one to the other.
 */
import type { ZonePreference } from "../../../plugins/lib/zone-preference.ts";

/** The most endpoints count for one to two of these. */
const windowMs = 300_000;

/** See the file's comment. */
export class ZoneShare {
  readonly #preference: ZonePreference;
  #isSpilling = false;
  #most = 0;
  #mostBefore = 0;
  #windowAtMs: number;

  constructor(preference: ZonePreference, nowMs: number) {
    this.#preference = preference;
    this.#windowAtMs = nowMs;
  }

  /** The part of the load, 0 to 1, for `open` live endpoints of `size` in the zone. */
  of(open: number, size: number, nowMs: number): number {
    this.#remember(size, nowMs);
    if (open === 0) {
      this.#isSpilling = true;
      return 0;
    }
    const { spillBelow, returnAt } = this.#preference;
    const live = (100 * open) / Math.max(this.#most, this.#mostBefore);
    if (live < spillBelow) this.#isSpilling = true;
    else if (live >= returnAt) this.#isSpilling = false;
    return this.#isSpilling ? live / returnAt : 1;
  }

  #remember(size: number, nowMs: number): void {
    const passed = Math.floor((nowMs - this.#windowAtMs) / windowMs);
    if (passed > 0) {
      this.#mostBefore = passed === 1 ? this.#most : 0;
      this.#most = 0;
      this.#windowAtMs += passed * windowMs;
    }
    this.#most = Math.max(this.#most, size);
  }
}
