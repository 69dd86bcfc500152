/** Requests that are held back from endpoints which refuse most of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NackAdmission } from "../../daemon/data/client/nack-admission.ts";
import { recordedMetrics } from "../kit/metrics.ts";
import { seededRandom } from "../kit/random.ts";

function admission() {
  const metrics = recordedMetrics();
  const state = new NackAdmission(seededRandom(7), metrics);
  let now = 0;
  return {
    metrics,
    /** Requests at 100 a second; how many of them went out. */
    run(requests: number, refused: (n: number) => boolean, stepMs = 10): number {
      let sent = 0;
      for (let n = 0; n < requests; n++) {
        now += stepMs;
        if (!state.admits(now)) continue;
        sent++;
        state.answered(now, refused(n));
      }
      return sent;
    },
  };
}

test("where nothing is refused nothing is held back, and no series begins", () => {
  const { run, metrics } = admission();
  assert.equal(
    run(10_000, () => false),
    10_000,
  );
  assert.equal(metrics.value("ema_value"), undefined);
});

test("a refusal now and then holds nothing back", () => {
  const { run, metrics } = admission();
  assert.equal(
    run(60_000, (n) => n % 4 === 0),
    60_000,
  );
  assert.equal(metrics.value("dropped_requests"), undefined);
});

test("once more than half were refused over two minutes a growing part is held back, at most three quarters", () => {
  const { run, metrics } = admission();
  // e^-(t/120 s) falls below a half after 83 s.
  assert.equal(
    run(8000, () => true),
    8000,
  );
  run(20_000, () => true);
  const late = run(10_000, () => true);
  assert.ok(Math.abs(late - 2500) < 250, `${late} of 10 000 went out`);
  assert.equal(metrics.value("ema_value"), Math.round(Number(metrics.value("ema_value"))));
  assert.ok(metrics.value("dropped_requests")! > 15_000);
});

test("when endpoints take requests again, all go out", () => {
  const { run } = admission();
  run(60_000, () => true);
  run(60_000, () => false);
  assert.equal(
    run(1000, () => false),
    1000,
  );
});

test("below five requests a second nothing is concluded from refusals", () => {
  const { run } = admission();
  assert.equal(
    run(2000, () => true, 300),
    2000,
  );
});
