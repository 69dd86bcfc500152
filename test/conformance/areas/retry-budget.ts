/** Conformance area retry-budget: the bucket of retries against a clock that only the case moves. */
import assert from "node:assert/strict";
import { RetryBudget } from "../../../daemon/data/client/retry-budget.ts";

interface Case {
  readonly budget: {
    readonly ttlSecs: number;
    readonly minRetriesPerSec: number;
    readonly percentCanRetry: number;
  };
  readonly steps: readonly (readonly [step: string, count?: number])[];
  readonly expect: { readonly results?: readonly unknown[]; readonly error?: true };
}

export default function check({ budget, steps, expect }: Case): void {
  let nowMs = 1_700_000_000_000;
  if (expect.error === true) {
    assert.throws(() => new RetryBudget(budget, nowMs), RangeError);
    return;
  }
  const bucket = new RetryBudget(budget, nowMs);
  const run = (step: string, count = 1): unknown => {
    switch (step) {
      case "deposit":
        for (let n = 0; n < count; n++) bucket.deposit(nowMs);
        return null;
      case "withdraw":
        return bucket.tryWithdraw(nowMs);
      case "withdrawAll": {
        let withdrawn = 0;
        while (bucket.tryWithdraw(nowMs)) withdrawn++;
        return withdrawn;
      }
      case "balance":
        return bucket.balance(nowMs);
      case "advanceMs":
        nowMs += count;
        return null;
      default:
        throw new Error(`step ${step} is not built`);
    }
  };
  assert.deepEqual(
    steps.map(([step, count]) => run(step, count)),
    expect.results,
  );
}
