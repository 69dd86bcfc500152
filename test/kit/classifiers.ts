/** The classifiers by kind, as a worker would find them. */

import allSuccessful from "../../plugins/classifiers/all-successful.ts";
import nonRetryable5xx from "../../plugins/classifiers/non-retryable-5xx.ts";
import retryableAll5xx from "../../plugins/classifiers/retryable-all-5xx.ts";
import retryableIdempotent5xx from "../../plugins/classifiers/retryable-idempotent-5xx.ts";
import retryableRead5xx from "../../plugins/classifiers/retryable-read-5xx.ts";
import type { Classifier } from "../../plugins/contract.ts";
import { pluginContext } from "./plugin-context.ts";

const plugins = [allSuccessful, nonRetryable5xx, retryableAll5xx, retryableIdempotent5xx, retryableRead5xx];

/** The classifier of a kind; undefined, which is none at all, for `default`. */
export function classifierOf(kind: string): Classifier | undefined {
  if (kind === "default") return undefined;
  const plugin = plugins.find((each) => each.kind === kind);
  if (plugin === undefined) throw new Error(`classifier ${kind} is not built`);
  return plugin.create({}, pluginContext());
}
