/** The telemeters of the daemon: made at the start, and run until its end. */
import type { LinkerdConfig } from "../../config/schema.ts";
import type { RecentSettings, Telemeter } from "../../plugins/contract.ts";
import type { Logging } from "./logging.ts";
import type { MetricsStore } from "./metrics-store.ts";
import { context, type PluginParts } from "./naming.ts";

/** Makes the telemeters of a configuration. */
export const createTelemeters = (config: LinkerdConfig, parts: PluginParts): readonly Telemeter[] =>
  config.telemetry.map(({ kind, experimental: _, ...own }) => {
    const metrics = parts.metrics.scope("telemeter", kind);
    return parts.registry
      .get("telemeter", kind)
      .create({ ...own }, context(parts, `telemeter/${kind}`, metrics));
  });

/** What workers keep for the telemeters that show requests: enough for each of them. */
export const recentFor = (telemeters: readonly Telemeter[]): RecentSettings | undefined => {
  const wanted = telemeters.flatMap(({ recent }) => recent ?? []);
  if (wanted.length === 0) return undefined;
  return {
    sampleRate: Math.max(...wanted.map(({ sampleRate }) => sampleRate)),
    capacity: Math.max(...wanted.map(({ capacity }) => capacity)),
  };
};

/** Runs the telemeters that have work of their own, until the signal; one that fails is told and not missed. */
export const runTelemeters = async (
  telemeters: readonly Telemeter[],
  signal: AbortSignal,
  store: MetricsStore,
  logging: Logging,
): Promise<void> => {
  await Promise.all(
    telemeters.map(async (telemeter) => {
      try {
        await telemeter.run?.(signal, store);
      } catch (cause) {
        logging.logger("telemeter").error("a telemeter failed", { cause });
      }
    }),
  );
};
