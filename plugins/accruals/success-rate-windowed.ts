/** `io.l5d.successRateWindowed`: an endpoint is dead once its success rate over the last seconds is too low. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../contract.ts";
import { Ema } from "../lib/ema.ts";
import { createRemoval } from "../lib/removal.ts";

/** With fewer requests in the window nothing is judged. */
const leastRequests = 5;
const slices = 5;

export default definePlugin({
  slot: "accrual",
  kind: "io.l5d.successRateWindowed",
  schema: Type.Object({
    successRate: Type.Number({
      minimum: 0,
      maximum: 1,
      description: "Least part of requests that must succeed.",
    }),
    window: Type.Integer({ minimum: 1, description: "Over how many seconds; nothing is judged before." }),
  }),
  create: ({ successRate, window }, { backoff, clock }) => ({
    create() {
      const windowMs = window * 1000;
      const removal = createRemoval(backoff);
      const average = new Ema(windowMs);
      const recent = new RecentCount(windowMs / slices);
      let sinceMs = clock.now();
      const record = (nowMs: number, value: number): number => {
        recent.add(nowMs);
        return average.update(nowMs - sinceMs, value);
      };
      return {
        success(nowMs) {
          record(nowMs, 1);
        },
        failure(nowMs) {
          const rate = record(nowMs, 0);
          const judged = nowMs - sinceMs >= windowMs && recent.count(nowMs) >= leastRequests;
          return judged && rate < successRate ? removal.next() : undefined;
        },
        revived(nowMs) {
          sinceMs = nowMs;
          average.reset();
          recent.reset();
          removal.reset();
        },
      };
    },
  }),
});

/** Requests of the last five slices of time. */
class RecentCount {
  readonly #sliceMs: number;
  readonly #counts = new Int32Array(slices);
  #slice = 0;

  constructor(sliceMs: number) {
    this.#sliceMs = sliceMs;
  }

  add(nowMs: number): void {
    this.#advance(nowMs);
    const at = this.#slice % slices;
    this.#counts[at] = this.#counts[at]! + 1;
  }

  count(nowMs: number): number {
    this.#advance(nowMs);
    let sum = 0;
    for (let at = 0; at < slices; at++) sum += this.#counts[at]!;
    return sum;
  }

  reset(): void {
    this.#counts.fill(0);
  }

  #advance(nowMs: number): void {
    const slice = Math.floor(nowMs / this.#sliceMs);
    if (slice <= this.#slice) return;
    if (slice - this.#slice >= slices) this.#counts.fill(0);
    else for (let next = this.#slice + 1; next <= slice; next++) this.#counts[next % slices] = 0;
    this.#slice = slice;
  }
}
