/** Every plugin that can be named in a configuration, by slot and kind; one is loaded when its kind is named. */
import { byKind, type KindLookup, type KnownKind } from "../config/kinds.ts";
import type { AnyPlugin, Plugin, Slot } from "./contract.ts";
import { knownKinds, movedKinds } from "./known-kinds.ts";

export { loadUserPlugins, type UserPlugins } from "./user-plugins.ts";

/** A plugin that is known by its slot and kind, and whose file is loaded when they are named. */
export interface LazyPlugin<S extends Slot = Slot> {
  readonly slot: S;
  readonly kind: string;
  /** Imports the file, whose default export is the plugin. */
  // biome-ignore lint/suspicious/noExplicitAny: as in AnyPlugin.
  readonly load: () => Promise<{ readonly default: Plugin<S, any> }>;
}

/** Lists a plugin without loading it. */
export const lazily = <S extends Slot>(
  slot: S,
  kind: string,
  load: LazyPlugin<S>["load"],
): LazyPlugin<S> => ({ slot, kind, load });

/** A set of plugins; `kind`s are looked up whole or without `io.l5d.`. */
export class Registry implements KindLookup {
  readonly #slots = new Map<string, Map<string, AnyPlugin | LazyPlugin>>();

  constructor(plugins: Iterable<AnyPlugin | LazyPlugin> = []) {
    for (const plugin of plugins) this.add(plugin);
  }

  /** Adds a plugin; throws if its slot has one of that kind, however spelt. */
  add(plugin: AnyPlugin | LazyPlugin): void {
    const kinds = this.#slots.get(plugin.slot) ?? new Map<string, AnyPlugin | LazyPlugin>();
    const taken = byKind(kinds, plugin.kind) ?? kinds.get(plugin.kind.replace(/^io\.l5d\./, ""));
    if (taken !== undefined) {
      throw new Error(`there are two plugins of slot ${plugin.slot} and kind ${taken.kind}`);
    }
    kinds.set(plugin.kind, plugin);
    this.#slots.set(plugin.slot, kinds);
  }

  /** Loads the plugins of these kinds, in whichever slots; words that are no kind are passed over. */
  async load(kinds: Iterable<string>): Promise<void> {
    const named = [...new Set(kinds)];
    const tables = [...this.#slots.values()];
    const found = tables.flatMap((table) => named.flatMap((kind) => byKind(table, kind) ?? []));
    await Promise.all(found.map((plugin) => this.#load(plugin)));
  }

  /** Loads every plugin, for whoever shows all schemas. */
  async loadAll(): Promise<void> {
    await Promise.all([...this.plugins()].map((plugin) => this.#load(plugin)));
  }

  /** The plugin of a kind; it is a bug if it has not been loaded. */
  find<S extends Slot>(slot: S, kind: string): Plugin<S> | undefined;
  find(slot: string, kind: string): AnyPlugin | undefined;
  find(slot: string, kind: string): AnyPlugin | undefined {
    const found = byKind(this.#slots.get(slot) ?? new Map<string, AnyPlugin | LazyPlugin>(), kind);
    if (found === undefined || isLoaded(found)) return found;
    throw new Error(`the plugin of slot ${slot} and kind ${found.kind} is not loaded`);
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

  /** Every plugin, loaded or not, slot by slot. */
  *plugins(): Generator<AnyPlugin | LazyPlugin> {
    for (const kinds of this.#slots.values()) yield* kinds.values();
  }

  known(slot: string, kind: string): KnownKind | undefined {
    const kinds = knownKinds[slot];
    return kinds?.find((one) => one.kind === kind) ?? kinds?.find((one) => one.kind === `io.l5d.${kind}`);
  }

  moved(slot: string, kind: string): string | undefined {
    return movedKinds[slot]?.[kind];
  }

  async #load(listed: AnyPlugin | LazyPlugin): Promise<void> {
    if (isLoaded(listed)) return;
    const { slot, kind, load } = listed;
    const { default: plugin } = await load();
    if (plugin.slot !== slot || plugin.kind !== kind) {
      throw new Error(`${slot} ${kind} is listed where ${plugin.slot} ${plugin.kind} is`);
    }
    this.#slots.get(slot)!.set(kind, plugin);
  }
}

const isLoaded = (plugin: AnyPlugin | LazyPlugin): plugin is AnyPlugin => "create" in plugin;
