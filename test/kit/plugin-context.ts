/** What a plugin is given, for tests: a clock that stands still, a seeded random and metrics that are not kept. */
import { unmeasured } from "../../daemon/shared/unmeasured.ts";
import type { ControlContext, Logger } from "../../plugins/contract.ts";
import { seededRandom } from "./random.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

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
  metrics: unmeasured,
  env: (name) => options.env?.[name],
});
