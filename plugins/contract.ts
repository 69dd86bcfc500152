/**
 * The contract of a plugin: one file that defines `{ slot, kind, schema, create }`, listed by hand in a `builtin.ts`
 * or named by the user under the top-level key `plugins`.
 *
 * Control-plane slots live in the control thread; data-plane slots are created once more in every data worker.
 * `create` is synchronous and opens nothing: I/O starts on observation, on first use, or in `run(signal)`.
 */
export type * from "./contract/accrual.ts";
export type * from "./contract/announcer.ts";
export type * from "./contract/backoff.ts";
export type * from "./contract/balancer.ts";
export type * from "./contract/classifier.ts";
export type * from "./contract/context.ts";
export type * from "./contract/feed.ts";
export * from "./contract/identifier.ts";
export type * from "./contract/interpreter.ts";
export type * from "./contract/kept-names.ts";
export type * from "./contract/labeler.ts";
export type * from "./contract/metrics.ts";
export type * from "./contract/metrics-reader.ts";
export type * from "./contract/namer.ts";
export * from "./contract/plugin.ts";
export type * from "./contract/propagator.ts";
export type * from "./contract/recent-request.ts";
export type * from "./contract/telemeter.ts";
export type * from "./contract/transformer.ts";
