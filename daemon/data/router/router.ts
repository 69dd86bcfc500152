/** One router of the configuration in a worker: its plugins, its names and its servers. */
import type { PluginBlock, RouterConfig } from "../../../config/schema.ts";
import { type Addr, Dtab, Path } from "../../../dtab/index.ts";
import type { ContextOf, Logger, PluginContext, Slot, SlotTypes } from "../../../plugins/contract.ts";
import type { ProxyError } from "../../../plugins/errors.ts";
import type { Registry } from "../../../plugins/registry.ts";
import type { BindingState, ToControl } from "../../shared/messages.ts";
import { Client } from "../client/client.ts";
import type { Exchange } from "../exchange.ts";
import type { FeedValues } from "../feed-values.ts";
import type { LazyOverrides } from "../overrides/lazy-overrides.ts";
import type { RecentRequests } from "../recent-requests.ts";
import type { SharedScope } from "../shared-scope.ts";
import type { Sweeper } from "../sweeper.ts";
import type { TimerWheel } from "../timer-wheel.ts";
import type { LazyTls } from "../tls/lazy-tls.ts";
import type { WorkerShare } from "../worker-share.ts";
import { AccessLog } from "./access-log.ts";
import { AllowedCallers } from "./allowed-callers.ts";
import { errorAnswer } from "./error-answer.ts";
import { errorHeaderLimit } from "./error-header.ts";
import { dtabLines } from "./failure.ts";
import { createIdentifierChain } from "./identifier-chain.ts";
import type { InFlight } from "./in-flight.ts";
import { NameSettings } from "./name-settings.ts";
import { Naming, type NamingOwner } from "./naming.ts";
import { createRandomWords } from "./random-words.ts";
import { RoutedRequest } from "./routed-request.ts";
import type { RouterContext } from "./router-context.ts";
import { RouterServer } from "./router-server.ts";
import { Service } from "./service.ts";
import { createTracing, type Tracing } from "./trace.ts";

/** What a worker gives each of its routers. */
export interface WorkerServices {
  readonly recent: RecentRequests | undefined;
  readonly share: WorkerShare;
  readonly registry: Registry;
  readonly metrics: SharedScope;
  readonly log: Logger;
  readonly plugin: PluginContext;
  readonly wheel: TimerWheel;
  readonly sweeper: Sweeper;
  readonly random: () => number;
  readonly tls: LazyTls;
  readonly overrides: LazyOverrides;
  readonly feeds: FeedValues;
  readonly post: (message: ToControl) => void;
  readonly nextBind: () => number;
  /** Where a key of the configuration stands, e.g. `linkerd.yaml:14:5 routers[0].dtab`. */
  readonly place: (key: string) => string;
}

/** See the file's comment. */
export class Router implements RouterContext, NamingOwner {
  readonly key: string;
  readonly label: string;
  readonly config: RouterConfig;
  readonly naming: Naming;
  readonly identifier: RouterContext["identifier"];
  readonly tracing: Tracing;
  readonly alwaysReadTrace: boolean;
  readonly wheel: TimerWheel;
  readonly random: () => number;
  readonly log: Logger;
  readonly errorLimits: RouterContext["errorLimits"];
  readonly bindingTimeoutMs: number;
  baseDtab: readonly string[];
  readonly streaming: boolean;
  readonly compressionLevel: number;
  readonly servers: readonly RouterServer[];
  readonly accessLog: AccessLog | undefined;
  readonly recent: RecentRequests | undefined;

  #index: number;
  readonly #services: WorkerServices;
  readonly #scope: SharedScope;
  readonly #named = new Map<string, Service>();
  readonly #settings: NameSettings;

  constructor(
    index: number,
    key: string,
    config: RouterConfig,
    services: WorkerServices,
    flights: readonly InFlight[],
  ) {
    this.#index = index;
    this.key = key;
    this.#services = services;
    this.config = config;
    this.label = config.label;
    this.#scope = services.metrics.open("rt", config.label);
    this.wheel = services.wheel;
    this.random = services.random;
    this.log = services.log;
    this.recent = services.recent;
    this.errorLimits = {
      headerChars: errorHeaderLimit(config.maxHeadersKB),
      maxErrResponseKB: config.maxErrResponseKB,
    };
    this.bindingTimeoutMs = config.bindingTimeoutMs;
    this.baseDtab = dtabLines(Dtab.read(config.dtab));
    this.streaming = config.streamingEnabled;
    this.compressionLevel = config.compressionLevel;
    const dstPrefix = Path.read(config.dstPrefix);
    this.identifier = createIdentifierChain(
      config.identifier.map((block) => {
        const feed = services.feeds.reader(block);
        return this.#create("identifier", block, { ...services.plugin, dstPrefix, feed });
      }),
    );
    const propagator = this.#create("propagator", config.tracePropagator, services.plugin);
    this.tracing = createTracing(propagator, createRandomWords());
    this.alwaysReadTrace = propagator.reads.some((name) => !name.startsWith("l5d-"));
    this.#settings = new NameSettings(config, services);
    this.servers = config.servers.map((server, at) => {
      const name = `${server.ip}/${server.port}`;
      const labeler = (block: PluginBlock) =>
        this.#create("labeler", block, { ...services.plugin, routerLabel: config.label });
      const forwarded = server.addForwardedHeader && {
        by: labeler(server.addForwardedHeader.by),
        for: labeler(server.addForwardedHeader.for),
      };
      const identities = server.tls?.allowedIdentities;
      const allowed = identities && new AllowedCallers(identities, name, services.log, services.plugin.clock);
      const scope = this.#scope.open("server", name);
      const { log, plugin } = services;
      const overrides =
        server.signedOverrides &&
        services.overrides.gate(server.signedOverrides, {
          ...{ server: name, metrics: scope, log, clock: plugin.clock },
        });
      return new RouterServer(at, server, name, scope, forwarded, flights[at]!, allowed, overrides);
    });
    this.naming = new Naming(
      this,
      config.bindingCache,
      this.#scope.scope("bindcache"),
      services.post,
      services.nextBind,
      services.sweeper,
    );
    this.accessLog =
      config.httpAccessLog === undefined
        ? undefined
        : new AccessLog(this.key, config.httpAccessLogFormat ?? "linkerd", this.#scope, services.post);
    if (config.originator) this.#scope.gauge("originator").add(1);
  }

  // A plugin of the checked configuration; its block is its config.
  #create<S extends Slot>(slot: S, block: PluginBlock, context: ContextOf<S>): SlotTypes[S] {
    return this.#services.registry.get(slot, block.kind).create(block, context);
  }

  place(key: string): string {
    return this.#services.place(`routers[${this.#index}].${key}`);
  }

  /** Takes a request from one of its servers. */
  accept(server: RouterServer, exchange: Exchange): void {
    new RoutedRequest(this, server, exchange).start();
  }

  /** The answer to what never became a request. */
  refusal(error: ProxyError): ReturnType<typeof errorAnswer> {
    return errorAnswer(error, { code: error.code, message: error.message }, this.errorLimits);
  }

  /** The control thread's word on a binding. */
  bound(bind: number, state: BindingState): void {
    for (const waiting of this.naming.bound(bind, state)) waiting.attempt();
  }

  /** The control thread's word on a client's addresses. */
  addr(id: string, addr: Addr): void {
    this.naming.addr(id, addr);
  }

  /** The configuration was read again: nothing changed but its place in the file, and perhaps the dtab. */
  reread(index: number, config: RouterConfig): void {
    this.#index = index;
    this.baseDtab = dtabLines(Dtab.read(config.dtab));
  }

  /** Takes no more requests: its names, clients and series end with those in flight; then calls `ended`. */
  retire(ended: () => void): void {
    this.naming.retire(() => {
      this.accessLog?.flush();
      if (this.config.originator) this.#scope.gauge("originator").add(-1);
      for (const server of this.servers) server.close();
      this.#scope.close();
      ended();
    });
  }

  // === NamingOwner ===

  service(path: string): Service {
    let service = this.#named.get(path);
    if (service === undefined) {
      service = new Service(path, this.#settings.ofService(path), this.#scope.open("service", path.slice(1)));
      this.#named.set(path, service);
    }
    service.bindings++;
    return service;
  }

  serviceEnded(service: Service): void {
    if (--service.bindings > 0) return;
    this.#named.delete(service.path);
    for (const client of this.naming.clients()) client.forgetService(service.name, service.alone);
    service.close();
  }

  createClient(id: string, closed: (client: Client) => void): Client {
    return new Client(
      id,
      this.#settings.ofClient(id),
      this.#scope.open("client", id.slice(1)),
      this.#services.sweeper,
      this.#services.share,
      closed,
    );
  }
}
