/** What a plugin is given, for tests: a clock that stands still, a seeded random and metrics that are not kept. */
import type { ControlContext, Counter, Gauge, Logger, MetricsScope, Stat } from "../../plugins/contract.ts";
import { seededRandom } from "./random.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const counter: Counter = { incr() {} };
const gauge: Gauge = { set() {}, add() {} };
const stat: Stat = { record() {} };
const metrics: MetricsScope = {
  scope: () => metrics,
  counter: () => counter,
  gauge: () => gauge,
  stat: () => stat,
  close() {},
};

/** A context whose clock shows what `now` says. */
export const pluginContext = (
  options: { now?: () => number; random?: () => number; env?: Readonly<Record<string, string>> } = {},
): ControlContext => ({
  log: silent,
  clock: {
    now: options.now ?? (() => 1_700_000_000_000),
    sleep: async () => {},
  },
  random: options.random ?? seededRandom(1),
  metrics,
  env: (name) => options.env?.[name],
});
