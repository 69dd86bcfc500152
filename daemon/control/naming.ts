/** What a configuration says about naming, as running namers and interpreters. */
import type { LinkerdConfig, TransformerBlock } from "../../config/schema.ts";
import { bindPath, Dtab, nameLookup } from "../../dtab/index.ts";
import type {
  Clock,
  ControlContext,
  InterpreterContext,
  MetricsScope,
  NameInterpreter,
  NamerContext,
  PluginContext,
  PrefixedNamer,
  TransformerContext,
} from "../../plugins/contract.ts";
import { inOrderTried, namerPrefix, transformerPrefix } from "../../plugins/prefix.ts";
import type { Registry } from "../../plugins/registry.ts";
import type { RouterNaming } from "./binder.ts";
import { builtinNamers } from "./builtin.ts";
import type { Logging } from "./logging.ts";
import { type NamedTransformer, transformInterpreter, transformNamer } from "./transforming.ts";

/** What plugins of the control thread are made with. */
export interface PluginParts {
  readonly registry: Registry;
  readonly logging: Logging;
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics: MetricsScope;
  /** The process' environment; empty unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** One router's naming, with the kind of its interpreter. */
export interface RouterInterpreter extends RouterNaming {
  readonly kind: string;
  readonly interpreter: NameInterpreter;
}

/** The naming of a configuration. */
export interface Naming {
  readonly routers: readonly RouterInterpreter[];
  /** The configured namers, in the order of the file. */
  readonly namers: readonly PrefixedNamer[];
  /** For a namespace that no router has: the configured namers alone. */
  readonly fallback: NameInterpreter;
}

/** Makes the namers and interpreters; nothing is opened before somebody observes. */
export const createNaming = (config: LinkerdConfig, parts: PluginParts): Naming => {
  const { registry, logging, metrics } = parts;
  const env = environment(parts);
  const builtin = builtinNamers({ clock: parts.clock, log: logging.logger("namer/$") });
  const plain = config.namers.map(
    ({ kind, prefix, experimental: _, transformers: __, ...own }): PrefixedNamer => {
      const whole = namerPrefix({ kind, prefix });
      const name = whole.show().slice(1);
      const ctx: NamerContext = {
        ...context(parts, `namer/${name}`, metrics.scope("namer", name)),
        prefix: whole,
        env,
      };
      return { prefix: whole, namer: registry.get("namer", kind).create({ ...own }, ctx) };
    },
  );
  const bindPlain = binderOf([...inOrderTried(plain), ...builtin]);
  const namers = plain.map(({ prefix, namer }, i): PrefixedNamer => {
    const transformers = createTransformers(config.namers[i]!.transformers, parts, bindPlain);
    return { prefix, namer: transformNamer(namer, transformers) };
  });
  const asked = [...inOrderTried(namers), ...builtin];
  const bindAsked = binderOf(asked);
  const interpreterContext = (label: string): InterpreterContext => ({
    ...context(parts, `router/${label}/interpreter`, metrics.scope("rt", label, "interpreter")),
    namers: asked,
  });
  const routers = config.routers.map(({ label, dtab, interpreter }): RouterInterpreter => {
    const { kind, experimental: _, transformers, ...block } = interpreter;
    const own = registry.get("interpreter", kind).create({ ...block }, interpreterContext(label));
    return {
      label,
      kind,
      dtab: Dtab.read(dtab),
      interpreter: transformInterpreter(own, createTransformers(transformers, parts, bindAsked)),
    };
  });
  const fallback = registry.get("interpreter", "default").create(
    {},
    {
      ...context(parts, "interpreter", metrics.scope("interpreter")),
      namers: asked,
    },
  );
  return { routers, namers, fallback };
};

/** What every plugin is given. */
export const context = (
  { logging, clock, random }: PluginParts,
  logger: string,
  metrics: MetricsScope,
): PluginContext => ({ log: logging.logger(logger), clock, random, metrics });

/** A variable that is set to nothing is as good as none. */
const environment =
  ({ env = {} }: PluginParts): ControlContext["env"] =>
  (name) =>
    env[name] === "" ? undefined : env[name];

const binderOf =
  (namers: readonly PrefixedNamer[]): TransformerContext["bind"] =>
  (path) =>
    bindPath(nameLookup(Dtab.empty, namers), path);

const createTransformers = (
  blocks: readonly TransformerBlock[],
  parts: PluginParts,
  bind: TransformerContext["bind"],
): readonly NamedTransformer[] =>
  blocks.map(({ kind, prefix, ...own }) => {
    const ctx: TransformerContext = {
      ...context(parts, `transformer/${kind}`, parts.metrics.scope("transformer", kind)),
      prefix: transformerPrefix({ kind, prefix, ...own }),
      env: environment(parts),
      bind,
    };
    return { name: kind, transformer: parts.registry.get("transformer", kind).create({ ...own }, ctx) };
  });
