/** Requests that have ended, for whoever shows some of them. */

/** Which requests a telemeter wants to show. */
export interface RecentSettings {
  /** The share of all requests, 0 to 1. */
  readonly sampleRate: number;
  /** Traces that are kept. */
  readonly capacity: number;
}

/** A request that has ended. */
export interface RecentRequest {
  /** When it ended, in milliseconds since the epoch. */
  readonly time: number;
  readonly traceId: string;
  /** The router's label. */
  readonly router: string;
  /** The server, `ip/port`. */
  readonly server: string;
  /** The caller's address. */
  readonly remote: string | undefined;
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly durationMs: number;
  readonly service: string | undefined;
  readonly client: string | undefined;
  readonly endpoint: string | undefined;
}
