/** The interpreter behind every kind that binds here: its own dtab, then the request's, then the namers. */
import { type Activity, bindPath, type Dtab, delegatePath, nameLookup } from "../../dtab/index.ts";
import type { NameInterpreter, PrefixedNamer } from "../contract.ts";

/** Binds under `base` followed by the dtab that is asked with. */
export function dtabInterpreter(
  base: Activity<Dtab>,
  namers: readonly PrefixedNamer[],
): Required<Omit<NameInterpreter, "state">> {
  return {
    bind: (dtab, path) => base.flatMap((own) => bindPath(nameLookup(own.concat(dtab), namers), path)),
    delegate: (dtab, path) => base.flatMap((own) => delegatePath(own.concat(dtab), namers, path)),
    dtab: () => base,
  };
}
