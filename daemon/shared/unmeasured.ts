/** Metrics that nobody reads. */
import type { Counter, Gauge, MetricsScope, Stat } from "../../plugins/contract.ts";

const counter: Counter = { incr() {} };
const gauge: Gauge = { set() {}, add() {} };
const stat: Stat = { record() {} };

/** A scope that keeps nothing. */
export const unmeasured: MetricsScope = {
  scope: () => unmeasured,
  counter: () => counter,
  gauge: () => gauge,
  stat: () => stat,
  close() {},
};
