/** Keys that every namer with a backend has. */
import { Type } from "../../config/type.ts";

/** From which age on what is known of a name counts as stale. */
export const staleAfterSeconds = Type.Integer({
  minimum: 0,
  default: 60,
  description:
    "A name that its source has not confirmed for so long is stale: logged, counted and shown, and still used; 0: never.",
});

/** The same as `Discovery` wants it. */
export const staleAfterMs = (seconds: number): number | undefined =>
  seconds === 0 ? undefined : seconds * 1000;
