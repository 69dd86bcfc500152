/** The blocks of plugins: what all plugins of a slot share. */
import { PathText, type PluginBlock, PluginOf } from "./formats.ts";
import { Type } from "./type.ts";

/** The gate of plugins and protocols that must be wanted. */
export const experimental = Type.Boolean({
  default: false,
  description: "Enables a plugin that is marked experimental.",
});

const transformer = PluginOf<TransformerBlock>("transformer", {
  prefix: Type.Optional(PathText({ description: "What it puts in front of ids, below `/%`." })),
});

const transformers = Type.Array(transformer, {
  default: [],
  description: "Applied in order to what is bound.",
});

/** A transformer's block. */
export interface TransformerBlock extends PluginBlock {
  readonly prefix?: string | undefined;
}

/** A namer's block. */
export interface NamerBlock extends PluginBlock {
  /** Its names are `/#<prefix>/…`; by default `/` and the kind as the file spells it. */
  readonly prefix: string;
  readonly experimental: boolean;
  readonly transformers: readonly TransformerBlock[];
}

/** An announcer's block. */
export interface AnnouncerBlock extends PluginBlock {
  /** It takes the names below `/#<prefix>`; by default `/` and the kind as the file spells it. */
  readonly prefix: string;
}

/** An interpreter's block. */
export interface InterpreterBlock extends PluginBlock {
  readonly experimental: boolean;
  readonly transformers: readonly TransformerBlock[];
}

/** A telemeter's block. */
export interface TelemeterBlock extends PluginBlock {
  readonly experimental: boolean;
}

/** A load balancer's block. */
export interface BalancerBlock extends PluginBlock {
  readonly enableProbation: boolean;
}

/** A namer. */
export const namer = PluginOf<NamerBlock>("namer", {
  prefix: PathText({ defaultsToKind: true, description: "Its names are `/#<prefix>/…`." }),
  experimental,
  transformers,
});

/** An announcer. */
export const announcer = PluginOf<AnnouncerBlock>("announcer", {
  prefix: PathText({ defaultsToKind: true, description: "It takes the names below `/#<prefix>`." }),
});

/** An interpreter. */
export const interpreter = PluginOf<InterpreterBlock>(
  "interpreter",
  { experimental, transformers },
  { description: "Where dtabs come from and how names are bound." },
);
/** A telemeter. */
export const telemeter = PluginOf<TelemeterBlock>("telemeter", { experimental });

/** A load balancer. */
export const balancer = PluginOf<BalancerBlock>(
  "balancer",
  {
    enableProbation: Type.Boolean({
      default: false,
      description: "Keep endpoints that discovery dropped while they are healthy.",
    }),
  },
  { description: "Which endpoint takes the next request; p2c unless given." },
);
