/** How the validator learns what a `kind` means; `plugins/registry.ts` implements it. */
import type { Schema } from "./type.ts";

/** What the validator needs of a plugin. */
export interface KindInfo {
  /** The whole kind, e.g. `io.l5d.fs`. */
  readonly kind: string;
  /** The keys of its block beside those that its slot gives to all. */
  readonly schema: Schema;
  readonly experimental?: boolean | undefined;
  /** The router protocols it serves; absent: all. */
  readonly protocols?: readonly string[] | undefined;
}

/** A kind that Linkerd 1 has, whether it is built here or not. */
export interface KnownKind {
  readonly kind: string;
  readonly experimental?: boolean | undefined;
  readonly protocols?: readonly string[] | undefined;
  /** Why it will not be built, and what to use instead. */
  readonly never?: string | undefined;
}

/** What stands under a key `kind` in plain data, however deep. */
export function* kindsIn(data: unknown): Generator<string> {
  if (typeof data !== "object" || data === null) return;
  for (const [key, value] of Object.entries(data)) {
    if (key === "kind" && typeof value === "string") yield value;
    else yield* kindsIn(value);
  }
}

/** Looks kinds up by slot; both the whole kind and the form without `io.l5d.` are taken. */
export interface KindLookup {
  /** The plugin of a kind, undefined where there is none. */
  find(slot: string, kind: string): KindInfo | undefined;
  /** Every kind of a slot that can be used, in whole form. */
  kinds(slot: string): readonly string[];
  /** Linkerd 1's own kind of that name; slot `protocol` for routers. */
  known(slot: string, kind: string): KnownKind | undefined;
  /** What became of a kind of old versions, e.g. `is io.l5d.header.token since 1.0.0`. */
  moved(slot: string, kind: string): string | undefined;
}

/** Looks a kind up in a table, whole or short. */
export const byKind = <T>(table: ReadonlyMap<string, T>, kind: string): T | undefined =>
  table.get(kind) ?? table.get(`io.l5d.${kind}`);
