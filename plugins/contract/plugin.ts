/** A plugin: one object with a slot, a kind, a schema of its keys, and a function that makes it. */
import type { Schema, Static } from "../../config/type.ts";
import type { AccrualContext, AccrualFactory } from "./accrual.ts";
import type { Announcer } from "./announcer.ts";
import type { BalancerFactory } from "./balancer.ts";
import type { Classifier } from "./classifier.ts";
import type { ControlContext, PluginContext } from "./context.ts";
import type { Feed } from "./feed.ts";
import type { Identifier, IdentifierContext } from "./identifier.ts";
import type { InterpreterContext, NameInterpreter } from "./interpreter.ts";
import type { Labeler, LabelerContext } from "./labeler.ts";
import type { Namer, NamerContext } from "./namer.ts";
import type { TracePropagator } from "./propagator.ts";
import type { Telemeter } from "./telemeter.ts";
import type { Transformer, TransformerContext } from "./transformer.ts";

/** What a plugin's slot makes of it: the interface that `create` returns. */
export interface SlotTypes {
  /** Control: `/#/<prefix>/…` to bound names. */
  namer: Namer;
  /** Control: a whole dtab and path to a bound tree. */
  interpreter: NameInterpreter;
  /** Control: changes bound trees. */
  transformer: Transformer;
  /** Control: exports metrics or traces. */
  telemeter: Telemeter;
  /** Control: registers this host's servers somewhere. */
  announcer: Announcer;
  /** Control: tells the data-plane plugin of the same kind, in every worker, what it cannot look up itself. */
  feed: Feed;
  /** Data: a request to a logical name. */
  identifier: Identifier;
  /** Data: which endpoint takes the next request. */
  balancer: BalancerFactory;
  /** Data: judges a finished attempt. */
  classifier: Classifier;
  /** Data: decides when an endpoint is marked dead. */
  accrual: AccrualFactory;
  /** Data: makes one label of the `Forwarded` header. */
  labeler: Labeler;
  /** Data: reads and writes trace context. */
  propagator: TracePropagator;
}

/** A place in the configuration where a plugin's `kind` may stand. */
export type Slot = keyof SlotTypes;

/** The slots whose plugins are created in every data worker. */
export const dataSlots: ReadonlySet<Slot> = new Set([
  "identifier",
  "balancer",
  "classifier",
  "accrual",
  "labeler",
  "propagator",
]);

/** One plugin; `definePlugin` checks its types. */
export interface Plugin<S extends Slot = Slot, C extends Schema = Schema> {
  readonly slot: S;
  /** As written in the configuration, e.g. `io.l5d.fs`; the form without `io.l5d.` is accepted too. */
  readonly kind: string;
  /** Needs `experimental: true`, as in Linkerd 1. */
  readonly experimental?: boolean;
  /** Which router protocols it serves; absent: all. */
  readonly protocols?: readonly string[];
  /** The keys of its block beside `kind` (and `experimental`, `prefix`, `transformers` where the slot has them). */
  readonly schema: C;
  create(config: Static<C>, ctx: ContextOf<S>): SlotTypes[S];
}

/** A plugin of any slot and schema, as registries hold it. */
// biome-ignore lint/suspicious/noExplicitAny: the registry forgets a plugin's own config type, and the schema restores it.
export type AnyPlugin = Plugin<Slot, any>;

/** Types one plugin. */
export const definePlugin = <S extends Slot, C extends Schema>(plugin: Plugin<S, C>): Plugin<S, C> => plugin;

/** The context of each slot. */
export type ContextOf<S extends Slot> = S extends "namer"
  ? NamerContext
  : S extends "interpreter"
    ? InterpreterContext
    : S extends "feed"
      ? ControlContext
      : S extends "transformer"
        ? TransformerContext
        : S extends "identifier"
          ? IdentifierContext
          : S extends "labeler"
            ? LabelerContext
            : S extends "accrual"
              ? AccrualContext
              : PluginContext;
