/** What holds for a logical name, from the parameters that the configuration has for it. */
import { defaults } from "../../../config/entries.ts";
import type { PluginBlock, ServiceParams } from "../../../config/schema.ts";
import type { Classifier } from "../../../plugins/contract.ts";
import { createBackoff, defaultRetryBackoff } from "../client/backoff.ts";
import type { ServiceSettings } from "./service.ts";

/** Works them out; `classifier` makes one of its block. */
export function serviceSettings(
  { responseClassifier, retries, totalTimeoutMs, retryBufferSize }: Partial<ServiceParams>,
  classifier: (block: PluginBlock) => Classifier,
  random: () => number,
): ServiceSettings {
  return {
    classifier: responseClassifier && classifier(responseClassifier),
    retryBudget: retries?.budget ?? defaults.retryBudget,
    retryBackoff:
      retries?.backoff === undefined ? defaultRetryBackoff : createBackoff(retries.backoff, random),
    totalTimeoutMs: totalTimeoutMs ?? 0,
    replayBytes: retryBufferSize?.requestBytes ?? 0,
  };
}
