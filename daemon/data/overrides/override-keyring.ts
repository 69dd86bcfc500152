/** The keys of one file that may sign overrides, as they are now. */
import type { KeyObject } from "node:crypto";
import { type OverrideKey, publicKeyOf } from "../../shared/overrides/override-keys.ts";

/** Changes when the file does: another map then. */
export class OverrideKeyring {
  /** By key id. */
  keys: ReadonlyMap<string, KeyObject>;

  constructor(keys: readonly OverrideKey[]) {
    this.keys = byId(keys);
  }

  /** From now on these sign, and no others. */
  replace(keys: readonly OverrideKey[]): void {
    this.keys = byId(keys);
  }
}

const byId = (keys: readonly OverrideKey[]): ReadonlyMap<string, KeyObject> =>
  new Map(keys.map((key) => [key.kid, publicKeyOf(key)]));
