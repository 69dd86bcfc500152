/** What every plugin is given, and what those of the control thread are given too. */
import type { KeptNames } from "./kept-names.ts";
import type { MetricsScope } from "./metrics.ts";

/** What every plugin is given. */
export interface PluginContext {
  readonly log: Logger;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly metrics: MetricsScope;
}

/** What the plugins of the control thread that look outside are given too. */
export interface ControlContext extends PluginContext {
  /** A variable of the process' environment, read when the plugin is created; undefined where there is none. */
  readonly env: (name: string) => string | undefined;
  /** What outlives the process; absent where nothing does. */
  readonly kept?: KeptNames | undefined;
}

/** Structured logging; the message first, facts as fields. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Time as an argument. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `ms`, or early when `signal` aborts; never rejects, never keeps the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
