/**
 * What holds for the names and the clients of a router, from the parameters that its configuration has for each. Most have
 * the same ones, and share what is made of them: it is less memory, and for a name among hundreds the part of it that is
 * already in the processor's caches.
 */
import { clientEntries, defaults, serviceEntries } from "../../../config/entries.ts";
import type {
  BackoffConfig,
  ClientParams,
  PluginBlock,
  RouterConfig,
  ServiceParams,
} from "../../../config/schema.ts";
import { Path } from "../../../dtab/index.ts";
import type { PluginContext } from "../../../plugins/contract.ts";
import { BoundedMemo } from "../../../plugins/lib/bounded-memo.ts";
import type { Registry } from "../../../plugins/registry.ts";
import { createBackoff, defaultAccrualBackoff, defaultRetryBackoff } from "../client/backoff.ts";
import type { ClientSettings } from "../client/client-settings.ts";
import type { ProbeLimit } from "../client/health/health-check-settings.ts";
import { createParamConfigs, type ParamConfigs } from "../client/param-configs.ts";
import type { LazyTls } from "../tls/lazy-tls.ts";
import type { ServiceSettings } from "./service.ts";

/** Settings of each sort that are kept for further names. */
const mostKept = 256;
/** So many health checks are open at a time. */
const mostProbes = 64;

/** What it needs of the worker. */
export interface SettingsSources {
  readonly registry: Registry;
  readonly plugin: PluginContext;
  readonly random: () => number;
  readonly tls: LazyTls;
}

/** The settings of one router; see the file's comment. */
export class NameSettings {
  readonly #config: RouterConfig;
  readonly #sources: SettingsSources;
  readonly #serviceParams: ParamConfigs<ServiceParams>;
  readonly #clientParams: ParamConfigs<ClientParams>;
  // By the parameters that they were made of, as JSON.
  readonly #services = new BoundedMemo<ServiceSettings>(mostKept);
  readonly #clients = new BoundedMemo<ClientSettings>(mostKept);
  readonly #probes: ProbeLimit = { open: 0, most: mostProbes };

  constructor(config: RouterConfig, sources: SettingsSources) {
    this.#config = config;
    this.#sources = sources;
    this.#serviceParams = createParamConfigs(serviceEntries(config.service));
    this.#clientParams = createParamConfigs(clientEntries(config.client));
  }

  /** What holds for a logical name. */
  ofService(path: string): ServiceSettings {
    const params = this.#serviceParams.paramsOf(Path.read(path));
    const key = JSON.stringify(params);
    return this.#services.get(key) ?? this.#services.add(key, () => this.#serviceOf(params));
  }

  /** What holds for a bound id. */
  ofClient(id: string): ClientSettings {
    const params = this.#clientParams.paramsOf(Path.read(id));
    const key = JSON.stringify(params);
    return this.#clients.get(key) ?? this.#clients.add(key, () => this.#clientOf(params));
  }

  #serviceOf(params: Partial<ServiceParams>): ServiceSettings {
    const { responseClassifier, retries, totalTimeoutMs, retryBufferSize } = params;
    const { registry, plugin, random } = this.#sources;
    const classifier = (block: PluginBlock) => registry.get("classifier", block.kind).create(block, plugin);
    return {
      classifier: responseClassifier && classifier(responseClassifier),
      retryBudget: retries?.budget ?? defaults.retryBudget,
      retryBackoff:
        retries?.backoff === undefined ? defaultRetryBackoff : createBackoff(retries.backoff, random),
      totalTimeoutMs: totalTimeoutMs ?? 0,
      replayBytes: retryBufferSize?.requestBytes ?? 0,
    };
  }

  #clientOf(params: Partial<ClientParams>): ClientSettings {
    const { loadBalancer, failureAccrual, hostConnectionPool: pool, clientSession, socketOptions } = params;
    const { registry, plugin, random, tls } = this.#sources;
    const balancer = loadBalancer ?? defaults.loadBalancer;
    const accrual = failureAccrual ?? defaults.failureAccrual;
    const waits = failureAccrual?.backoff as BackoffConfig | undefined;
    const backoff = waits ? createBackoff(waits, random) : defaultAccrualBackoff(random);
    return {
      limits: {
        maxHeadersBytes: this.#config.maxHeadersKB * 1024,
        maxInitialLineBytes: this.#config.maxInitialLineKB * 1024,
      },
      balancer: registry.get("balancer", balancer.kind).create(balancer, plugin),
      accrual: registry.get("accrual", accrual.kind).create(accrual, { ...plugin, backoff }),
      requeueBudget: params.requeueBudget ?? defaults.retryBudget,
      attemptTimeoutMs: Math.max(0, params.requestAttemptTimeoutMs ?? 0),
      connectTimeoutMs: params.connectTimeoutMs ?? defaults.connectTimeoutMs,
      responseTimeoutMs: params.responseTimeoutMs ?? socketOptions?.readTimeoutMs ?? 0,
      writeTimeoutMs: socketOptions?.writeTimeoutMs ?? 0,
      maxConnections: pool?.maxSize ?? defaults.hostConnectionPool.maxSize,
      minConnections: pool?.minSize ?? defaults.hostConnectionPool.minSize,
      maxWaiters: pool?.maxWaiters ?? defaults.hostConnectionPool.maxWaiters,
      poolIdleMs: pool?.idleTimeMs ?? 0,
      sessionIdleMs: clientSession?.idleTimeMs ?? 0,
      sessionLifeMs: clientSession?.lifeTimeMs ?? 0,
      failFast: params.failFast ?? false,
      random,
      noDelay: socketOptions?.noDelay ?? true,
      keepAlive: socketOptions?.keepAlive ?? false,
      secure: params.tls && tls.connector(params.tls),
      forwardClientCert: params.forwardClientCert ?? false,
      // Probation is what Finagle calls it where discovery is never trusted alone.
      trustDiscovery: params.trustDiscovery ?? (loadBalancer?.enableProbation ? "never" : "whenFresh"),
      healthCheck: params.healthCheck && {
        ...params.healthCheck,
        path: params.healthCheck.path,
        host: params.healthCheck.host,
        limit: this.#probes,
        random,
      },
    };
  }
}
