/** The slot `telemeter`: shows metrics and recent requests, or sends them somewhere. */
import type { MetricsReader } from "./metrics-reader.ts";
import type { RecentRequest, RecentSettings } from "./recent-request.ts";

/** Exports what the planes measure. */
export interface Telemeter {
  /** Long-lived work; ends with the signal. */
  run?(signal: AbortSignal, metrics: MetricsReader): Promise<void>;
  /** Some requests that it wants to show: this share of them, the latest of so many traces. */
  readonly recent?: RecentSettings;
  /** Pages that it adds to the admin server. */
  readonly routes?: readonly TelemeterRoute[];
}

/** One admin page of a telemeter. */
export interface TelemeterRoute {
  readonly path: string;
  readonly contentType: string;
  /** The page, whole or in parts; the event loop turns between parts. */
  render(
    metrics: MetricsReader,
    request: {
      readonly host: string;
      readonly query: URLSearchParams;
      /** The latest first; none unless the telemeter wants some. */
      readonly recent: readonly RecentRequest[];
    },
  ): string | Iterable<string>;
}
