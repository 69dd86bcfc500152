/** The latest requests that telemeters want to show: a share of all, a bounded number of traces. */
import type { RecentRequest, RecentSettings } from "../../plugins/contract.ts";

/** See the file's comment. */
export class RecentRequests {
  readonly #settings: RecentSettings;
  readonly #random: () => number;
  /** By trace, the latest last. */
  readonly #kept = new Map<string, RecentRequest>();

  constructor(settings: RecentSettings, random: () => number) {
    this.#settings = settings;
    this.#random = random;
  }

  /** Whether the request that ends now is one to keep. */
  samples(): boolean {
    return this.#random() < this.#settings.sampleRate;
  }

  /** Keeps one, in place of another one of its trace, or of the oldest. */
  add(request: RecentRequest): void {
    this.#kept.delete(request.traceId);
    this.#kept.set(request.traceId, request);
    if (this.#kept.size <= this.#settings.capacity) return;
    const [oldest] = this.#kept.keys();
    this.#kept.delete(oldest!);
  }

  /** Those that are kept, the latest first. */
  latest(): readonly RecentRequest[] {
    return [...this.#kept.values()].reverse();
  }
}
