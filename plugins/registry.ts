/** Every plugin that can be named in a configuration, by slot and kind. */
import { byKind, type KindLookup, type KnownKind } from "../config/kinds.ts";
import type { AnyPlugin, Plugin, Slot } from "./contract.ts";
import { knownKinds, movedKinds } from "./known-kinds.ts";

export { loadUserPlugins, type UserPlugins } from "./user-plugins.ts";

/** A set of plugins; `kind`s are looked up whole or without `io.l5d.`. */
export class Registry implements KindLookup {
  readonly #slots = new Map<string, Map<string, AnyPlugin>>();

  constructor(plugins: Iterable<AnyPlugin> = []) {
    for (const plugin of plugins) this.add(plugin);
  }

  /** Adds a plugin; throws if its slot has one of that kind, however spelt. */
  add(plugin: AnyPlugin): void {
    const kinds = this.#slots.get(plugin.slot) ?? new Map<string, AnyPlugin>();
    const taken = byKind(kinds, plugin.kind) ?? kinds.get(plugin.kind.replace(/^io\.l5d\./, ""));
    if (taken !== undefined) {
      throw new Error(`there are two plugins of slot ${plugin.slot} and kind ${taken.kind}`);
    }
    kinds.set(plugin.kind, plugin);
    this.#slots.set(plugin.slot, kinds);
  }

  find<S extends Slot>(slot: S, kind: string): Plugin<S> | undefined;
  find(slot: string, kind: string): AnyPlugin | undefined;
  find(slot: string, kind: string): AnyPlugin | undefined {
    return byKind(this.#slots.get(slot) ?? new Map(), kind);
  }

  /** The plugin of a checked configuration's block; it is a bug if there is none. */
  get<S extends Slot>(slot: S, kind: string): Plugin<S> {
    const plugin = this.find(slot, kind);
    if (plugin === undefined) throw new Error(`no plugin of slot ${slot} has the kind ${kind}`);
    return plugin;
  }

  /** Every kind of a slot, in whole form. */
  kinds(slot: string): readonly string[] {
    return [...(this.#slots.get(slot)?.keys() ?? [])];
  }

  /** Every plugin, slot by slot. */
  *plugins(): Generator<AnyPlugin> {
    for (const kinds of this.#slots.values()) yield* kinds.values();
  }

  known(slot: string, kind: string): KnownKind | undefined {
    const kinds = knownKinds[slot];
    return kinds?.find((one) => one.kind === kind) ?? kinds?.find((one) => one.kind === `io.l5d.${kind}`);
  }

  moved(slot: string, kind: string): string | undefined {
    return movedKinds[slot]?.[kind];
  }
}
