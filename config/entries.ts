/** What a client or a name gets of a configuration: entries in order, and what holds where the file is silent. */
import type { ClientConfig, ClientParams, ServiceConfig, ServiceParams } from "./schema-client.ts";

/** Parameters with the pattern of the names that they are for. */
export type Entry<T> = T & { readonly prefix: string };

/** The entries of a `client` block in order; one that is global has the pattern `/`, which matches everything. */
export const clientEntries = (config: ClientConfig): readonly Entry<ClientParams>[] =>
  config.kind === "io.l5d.static" ? config.configs : [{ prefix: "/", ...config }];

/** The entries of a `service` block in order; one that is global has the pattern `/`, which matches everything. */
export const serviceEntries = (config: ServiceConfig): readonly Entry<ServiceParams>[] =>
  config.kind === "io.l5d.static" ? config.configs : [{ prefix: "/", ...config }];

/** What holds where no entry says anything; groups that are not listed are absent. */
export const defaults = {
  connectTimeoutMs: 1000,
  streamAfterContentLengthKB: 5,
  retryBudget: { minRetriesPerSec: 10, percentCanRetry: 0.2, ttlSecs: 10 },
  loadBalancer: { kind: "p2c", enableProbation: false, maxEffort: 5 },
  failureAccrual: { kind: "io.l5d.consecutiveFailures", failures: 5 },
  hostConnectionPool: { minSize: 0, maxSize: 2147483647, maxWaiters: 2147483647 },
} as const;
