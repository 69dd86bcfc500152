/** The signed overrides of a worker, loaded when a configuration first needs them, for `node:crypto` comes with them. */
import type { SignedOverrides } from "../../../config/schema.ts";
import type { OverrideKey } from "../../shared/overrides/override-keys.ts";
import type { OverrideGate, OverrideGateOptions } from "./override-gate.ts";
import type { OverrideKeyring } from "./override-keyring.ts";

/** What is loaded for a setup stays. */
export class LazyOverrides {
  #loaded: (typeof import("./override-gate.ts") & typeof import("./override-keyring.ts")) | undefined;
  /** By file. */
  readonly #keyrings = new Map<string, OverrideKeyring>();

  /** Makes ready for the servers of a setup; must have ended before one of them is made. */
  async prepare(files: Readonly<Record<string, readonly OverrideKey[]>> | undefined): Promise<void> {
    if (files === undefined) return;
    this.#loaded ??= { ...(await import("./override-gate.ts")), ...(await import("./override-keyring.ts")) };
    for (const [file, keys] of Object.entries(files)) {
      const known = this.#keyrings.get(file);
      if (known === undefined) this.#keyrings.set(file, new this.#loaded.OverrideKeyring(keys));
      else known.replace(keys);
    }
  }

  /** A file of keys changed. */
  update(file: string, keys: readonly OverrideKey[]): void {
    this.#keyrings.get(file)?.replace(keys);
  }

  /** The gate of a server. */
  gate(config: SignedOverrides, options: Omit<OverrideGateOptions, "policy" | "keyring">): OverrideGate {
    const keyring = this.#keyrings.get(config.keysPath)!;
    return new this.#loaded!.OverrideGate({ ...options, policy: config, keyring });
  }
}
