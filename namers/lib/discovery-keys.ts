/** Keys that every namer with a backend has. */
import { Type } from "../../config/type.ts";
import type { AgeBudget } from "./ages.ts";
import { defaultPanicThreshold } from "./sudden-loss.ts";

/** From which age on what is known of a name counts as stale. */
export const staleAfterSeconds = Type.Integer({
  minimum: 0,
  default: 60,
  description:
    "A name that its source has not confirmed for so long is stale: logged, counted and shown, and still used; 0: never.",
});

const distrustAfterSeconds = Type.Optional(
  Type.Integer({
    minimum: 1,
    description:
      "A name that its source has not confirmed for so long is distrusted: endpoints that the source drops when it is back stay while they answer (client.trustDiscovery); absent: never.",
  }),
);

const panicThreshold = Type.Integer({
  minimum: 0,
  maximum: 100,
  default: defaultPanicThreshold,
  description:
    "The percentage of a name's addresses, of three or more, that may go at once; a greater loss must be confirmed by two further answers, some 4 s; 100: all may.",
});

/** All of them, for the schema of a namer. */
export const discoveryKeys = { staleAfterSeconds, distrustAfterSeconds, panicThreshold };

/** The same in a namer's block. */
export interface DiscoveryConfig {
  readonly staleAfterSeconds: number;
  readonly distrustAfterSeconds?: number | undefined;
  readonly panicThreshold?: number | undefined;
}

/** The budget as `Discovery` wants it. */
export interface DiscoveryBudget extends AgeBudget {
  readonly panicThreshold: number;
}

/** What a block says. */
export const discoveryBudget = (config: DiscoveryConfig): DiscoveryBudget => ({
  staleAfterMs: staleAfterMs(config.staleAfterSeconds),
  distrustAfterMs: config.distrustAfterSeconds === undefined ? undefined : config.distrustAfterSeconds * 1000,
  panicThreshold: config.panicThreshold ?? defaultPanicThreshold,
});

/** The first step alone. */
export const staleAfterMs = (seconds: number): number | undefined =>
  seconds === 0 ? undefined : seconds * 1000;
