/** One listening server of a router: its settings and its series. */
import type { ServerConfig } from "../../../config/schema.ts";
import type { Labeler } from "../../../plugins/contract.ts";
import type { CallerStream, SocketAddress } from "../exchange-streams.ts";
import type { OverrideGate } from "../overrides/override-gate.ts";
import type { SharedScope } from "../shared-scope.ts";
import { ConnectionStats, RequestStats, StatusStats, TlsStats } from "../stats.ts";
import type { AllowedCallers } from "./allowed-callers.ts";
import type { InFlight } from "./in-flight.ts";

/** What labels the two ends of a connection in `Forwarded`. */
export interface ForwardedLabelers {
  readonly by: Labeler;
  readonly for: Labeler;
}

/** A server; requests of all its connections count together. */
export class RouterServer {
  /** Its place in the router's list. */
  readonly index: number;
  readonly config: ServerConfig;
  /** `ip/port`, as in metrics. */
  readonly name: string;
  readonly requests: RequestStats;
  readonly statuses: StatusStats;
  readonly connections: ConnectionStats;
  readonly tls: TlsStats | undefined;
  readonly forwarded: ForwardedLabelers | undefined;
  readonly inFlight: InFlight;
  /** Absent: everybody is served. */
  readonly allowed: AllowedCallers | undefined;
  /** What callers say of routing counts for nothing. */
  readonly distrusts: boolean;
  /** But for overrides that were signed. */
  readonly overrides: OverrideGate | undefined;
  readonly #scope: SharedScope;
  /** Labels that hold for a whole connection. */
  readonly #kept: Readonly<Record<keyof ForwardedLabelers, WeakMap<CallerStream, string>>> = {
    by: new WeakMap(),
    for: new WeakMap(),
  };

  constructor(
    index: number,
    config: ServerConfig,
    name: string,
    scope: SharedScope,
    forwarded: ForwardedLabelers | undefined,
    inFlight: InFlight,
    allowed: AllowedCallers | undefined,
    overrides: OverrideGate | undefined,
  ) {
    this.index = index;
    this.config = config;
    this.#scope = scope;
    this.name = name;
    this.requests = new RequestStats(scope);
    this.statuses = new StatusStats(scope);
    this.connections = new ConnectionStats(scope);
    this.tls = config.tls && new TlsStats(scope);
    this.forwarded = forwarded;
    this.inFlight = inFlight;
    this.allowed = allowed;
    this.distrusts = config.untrusted || config.clearContext;
    this.overrides = overrides;
  }

  /** Ends its series. */
  close(): void {
    this.#scope.close();
  }

  /** The label of one end of a connection. */
  label(end: keyof ForwardedLabelers, connection: CallerStream, address: SocketAddress): string {
    const labeler = this.forwarded![end];
    if (!labeler.perConnection) return labeler.label(address);
    let label = this.#kept[end].get(connection);
    if (label === undefined) {
      label = labeler.label(address);
      this.#kept[end].set(connection, label);
    }
    return label;
  }
}
