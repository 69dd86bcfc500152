/** The gauge of a client's requeue budget. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RequeueBudget } from "../../daemon/data/client/requeue-budget.ts";
import { recordedMetrics } from "../kit/metrics.ts";

test("the gauge follows the budget at each sweep, until nothing moves it any more", () => {
  const metrics = recordedMetrics();
  const budget = new RequeueBudget({ ttlSecs: 10, minRetriesPerSec: 10, percentCanRetry: 0.2 }, metrics);
  const rest = budget.balance(performance.now());
  assert.equal(metrics.value("budget"), rest);
  const now = performance.now();
  for (let n = 0; n < 50; n++) budget.deposit(now);
  budget.sweep(now);
  assert.equal(metrics.value("budget"), rest + 10);
  assert.ok(budget.tryWithdraw(now));
  budget.sweep(now);
  assert.equal(metrics.value("budget"), rest + 9);
  // What was put in has leaked away by then, and the gauge says so though nobody asks for a requeue.
  budget.sweep(now + 11_000);
  assert.equal(metrics.value("budget"), rest);
});
