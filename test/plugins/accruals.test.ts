/** When an endpoint is dead, by kind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import consecutiveFailures from "../../plugins/accruals/consecutive-failures.ts";
import none from "../../plugins/accruals/none.ts";
import successRate from "../../plugins/accruals/success-rate.ts";
import successRateWindowed from "../../plugins/accruals/success-rate-windowed.ts";
import type { Accrual, AccrualContext, AccrualFactory, AnyPlugin } from "../../plugins/contract.ts";
import { pluginContext } from "../kit/plugin-context.ts";

const waits = [10, 20, 30];

function create(plugin: AnyPlugin, keys: Readonly<Record<string, unknown>>): Accrual {
  const backoff = {
    start() {
      let at = 0;
      return { next: () => waits[at++] };
    },
  };
  const context: AccrualContext = { ...pluginContext({ now: () => 0 }), backoff };
  return (plugin.create({ kind: plugin.kind, ...keys }, context) as AccrualFactory).create();
}

test("five failures in a row are one too many, and a success between begins anew", () => {
  const accrual = create(consecutiveFailures, { failures: 5 });
  for (let n = 0; n < 4; n++) assert.equal(accrual.failure(0), undefined);
  accrual.success(0);
  for (let n = 0; n < 4; n++) assert.equal(accrual.failure(0), undefined);
  assert.equal(accrual.failure(0), 10);
});

test("each failure after that takes the next wait, and 300 s follow the last", () => {
  const accrual = create(consecutiveFailures, { failures: 1 });
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => accrual.failure(0)),
    [10, 20, 30, 300_000, 300_000],
  );
});

test("a revival begins the waits anew", () => {
  const accrual = create(consecutiveFailures, { failures: 1 });
  accrual.failure(0);
  accrual.failure(0);
  accrual.revived(0);
  assert.equal(accrual.failure(0), 10);
});

test("none never gives up on an endpoint", () => {
  const accrual = create(none, {});
  for (let n = 0; n < 1000; n++) assert.equal(accrual.failure(n), undefined);
});

test("a success rate is judged only after so many requests, and on failures", () => {
  const accrual = create(successRate, { successRate: 0.8, requests: 10 });
  for (let n = 0; n < 9; n++) assert.equal(accrual.failure(0), undefined);
  assert.equal(accrual.failure(0), 10);
});

test("a success rate above the least keeps an endpoint alive", () => {
  const accrual = create(successRate, { successRate: 0.5, requests: 10 });
  for (let n = 0; n < 200; n++) {
    accrual.success(0);
    accrual.success(0);
    assert.equal(accrual.failure(0), undefined);
  }
});

test("after a revival a success rate has forgotten the past", () => {
  const accrual = create(successRate, { successRate: 0.8, requests: 5 });
  for (let n = 0; n < 5; n++) accrual.failure(0);
  accrual.revived(0);
  for (let n = 0; n < 4; n++) assert.equal(accrual.failure(0), undefined);
});

test("a windowed success rate waits for the whole window", () => {
  const accrual = create(successRateWindowed, { successRate: 0.8, window: 10 });
  for (let ms = 0; ms < 10_000; ms += 500) assert.equal(accrual.failure(ms), undefined);
  assert.equal(accrual.failure(10_000), 10);
});

test("a windowed success rate needs five requests in the window", () => {
  const accrual = create(successRateWindowed, { successRate: 0.8, window: 10 });
  for (const ms of [0, 20_000, 40_000, 41_000, 42_000]) assert.equal(accrual.failure(ms), undefined);
  for (const ms of [43_000]) assert.equal(accrual.failure(ms), undefined);
  assert.equal(accrual.failure(44_000), 10);
});
