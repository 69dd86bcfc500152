/** Metrics that nobody reads. */
import type { Counter, Flow, Gauge, MetricsScope, Stat } from "../../plugins/contract.ts";

const counter: Counter = { incr() {} };
const gauge: Gauge = { set() {}, add() {} };
const stat: Stat = { record() {} };
const flow: Flow = { begin() {}, end() {}, drop() {} };

/** A scope that keeps nothing. */
export const unmeasured: MetricsScope = {
  scope: () => unmeasured,
  counter: () => counter,
  gauge: () => gauge,
  stat: () => stat,
  flow: () => flow,
  close() {},
};
