/**
 * What a configuration says about naming, as running namers and interpreters. One that follows another at a reload keeps
 * those whose blocks are equal, with what they know.
 */
import { isDeepStrictEqual } from "node:util";
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
import type { NamerNames } from "./snapshot/namer-names.ts";
import type { Snapshot } from "./snapshot/snapshot.ts";
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
  /** What namers know, kept on disk; absent where there is no folder for it. */
  readonly snapshot?: Pick<Snapshot, "namer"> | undefined;
}

/** One router's naming, with the kind of its interpreter. */
export interface RouterInterpreter extends RouterNaming {
  readonly kind: string;
  readonly interpreter: NameInterpreter;
  /** What it keeps on disk. */
  readonly kept: NamerNames | undefined;
}

/** A namer before its transformers. */
export interface PlainNamer {
  readonly block: unknown;
  readonly namer: PrefixedNamer;
  /** What it keeps on disk. */
  readonly kept: NamerNames | undefined;
}

/** The naming of a configuration. */
export interface Naming {
  readonly routers: readonly RouterInterpreter[];
  /** The configured namers, in the order of the file. */
  readonly namers: readonly PrefixedNamer[];
  /** The namers before their transformers, each with its block. */
  readonly plain: readonly PlainNamer[];
  /** The configuration that it was made of. */
  readonly config: LinkerdConfig;
  /** For a namespace that no router has: the configured namers alone. */
  readonly fallback: NameInterpreter;
}

/** Makes the namers and interpreters, or takes them over; nothing is opened before somebody observes. */
export const createNaming = (config: LinkerdConfig, parts: PluginParts, last?: Naming): Naming => {
  const { registry, metrics } = parts;
  const env = environment(parts);
  const builtin = builtinNamers({ ...context(parts, "namer/$", metrics.scope("namer")), env });
  const known = [...(last?.plain ?? [])];
  const blocks = config.namers.map(({ transformers: _, ...block }): PlainNamer => {
    const same = known.findIndex((each) => isDeepStrictEqual(each.block, block));
    if (same !== -1) return known.splice(same, 1)[0]!;
    const { kind, prefix, experimental: __, ...own } = block;
    const whole = namerPrefix({ kind, prefix });
    const name = whole.show().slice(1);
    // What takes the place of another namer goes on with what that one knew.
    const before = last?.plain.find(({ namer }) => namer.prefix.show() === whole.show());
    const kept = parts.snapshot?.namer(whole.show(), before?.kept);
    const ctx: NamerContext = {
      ...context(parts, `namer/${name}`, metrics.scope("namer", name)),
      prefix: whole,
      env,
      kept,
    };
    const namer = { prefix: whole, namer: registry.get("namer", kind).create({ ...own }, ctx) };
    return { block, namer, kept };
  });
  const plain = blocks.map(({ namer }) => namer);
  // An interpreter is given the namers, so it can stay only if they all do.
  const stays = last !== undefined && isDeepStrictEqual(last.config.namers, config.namers);
  const bindPlain = binderOf([...inOrderTried(plain), ...builtin]);
  const namers = plain.map(({ prefix, namer }, i): PrefixedNamer => {
    if (stays) return last.namers[i]!;
    const transformers = createTransformers(config.namers[i]!.transformers, parts, bindPlain);
    return { prefix, namer: transformNamer(namer, transformers) };
  });
  const asked = [...inOrderTried(namers), ...builtin];
  const bindAsked = binderOf(asked);
  const interpreterContext = (label: string, kept: NamerNames | undefined): InterpreterContext => ({
    ...controlContext(parts, `router/${label}/interpreter`, metrics.scope("rt", label, "interpreter")),
    namers: asked,
    kept,
  });
  const routers = config.routers.map(({ label, dtab, interpreter }): RouterInterpreter => {
    const same = stays ? last.config.routers.find((router) => router.label === label) : undefined;
    const before = last?.routers.find((router) => router.label === label);
    if (isDeepStrictEqual(same?.interpreter, interpreter)) return { ...before!, dtab: Dtab.read(dtab) };
    const { kind, experimental: _, transformers, ...block } = interpreter;
    const kept = parts.snapshot?.namer(`rt/${label}/interpreter`, before?.kept);
    const own = registry.get("interpreter", kind).create({ ...block }, interpreterContext(label, kept));
    return {
      label,
      kept,
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
      env,
    },
  );
  return { routers, namers, plain: blocks, config, fallback };
};

/** What its namers and interpreters keep on disk. */
export const keptBy = ({ plain, routers }: Naming): readonly NamerNames[] =>
  [...plain, ...routers].flatMap(({ kept }) => kept ?? []);

/** What every plugin is given. */
export const context = (
  { logging, clock, random }: Pick<PluginParts, "logging" | "clock" | "random">,
  logger: string,
  metrics: MetricsScope,
): PluginContext => ({ log: logging.logger(logger), clock, random, metrics });

/** What the plugins of the control thread that look outside are given. */
export const controlContext = (
  parts: PluginParts,
  logger: string,
  metrics: MetricsScope,
): ControlContext => ({ ...context(parts, logger, metrics), env: environment(parts) });

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
