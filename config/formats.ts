/** Schemas of the scalar values that a configuration is made of; the `format` keyword names the check (validate.ts). */
import { type Annotations, type Schema, Type } from "./type.ts";

/** A TCP port. */
export const Port = (options: Annotations = {}): Schema<number> =>
  Type.Integer({ minimum: 0, maximum: 65535, ...options });

/** A duration in whole milliseconds. */
export const Millis = (options: Annotations = {}): Schema<number> => Type.Integer({ minimum: 0, ...options });

/** An address to listen on: an IP address, or a host name that is resolved at start. */
export const Ip = (options: Annotations = {}): Schema<string> => Type.String({ format: "ip", ...options });

/** A path such as `/svc/web`, as text. */
export const PathText = (options: Annotations = {}): Schema<string> =>
  Type.String({ format: "path", ...options });

/** A path pattern such as `/#/io.l5d.fs/{service}`, as text. */
export const PatternText = (options: Annotations = {}): Schema<string> =>
  Type.String({ format: "pattern", ...options });

/** A delegation table, as text. */
export const DtabText = (options: Annotations = {}): Schema<string> =>
  Type.String({ format: "dtab", ...options });

/** A directory that must exist at start. */
export const Directory = (options: Annotations = {}): Schema<string> =>
  Type.String({ format: "directory", ...options });

/** A regular file that must exist at start. */
export const File = (options: Annotations = {}): Schema<string> =>
  Type.String({ format: "file", ...options });

/** A regular expression that must match the whole text. */
export const Regex = (options: Annotations = {}): Schema<string> =>
  Type.String({ format: "regex", ...options });

/** A SPIFFE id, in which `{var}` may stand for a part of a segment. */
export const SpiffeId = (options: Annotations = {}): Schema<string> =>
  Type.String({ format: "spiffe-id", ...options });

/** A SPIFFE id, or one with `*` as its last segment. */
export const SpiffePattern = (options: Annotations = {}): Schema<string> =>
  Type.String({ format: "spiffe-pattern", ...options });

/** A header name. */
export const HeaderName = (options: Annotations = {}): Schema<string> =>
  Type.String({ format: "header", ...options });

/** When an access log rolls over: `never`, `hourly`, `daily`, `sighup`, `weekly(n)`, or a size such as `3.megabytes`. */
export const RollPolicy = (options: Annotations = {}): Schema<string> =>
  Type.String({ format: "roll-policy", ...options });

/** The levels of Twitter's logging, as Linkerd 1 spells them. */
export const logLevels = [
  "OFF",
  "FATAL",
  "CRITICAL",
  "ERROR",
  "WARNING",
  "INFO",
  "DEBUG",
  "TRACE",
  "ALL",
] as const;

/** A log level; any case is taken, the value is in upper case. */
export const LogLevel = (options: Annotations = {}): Schema<(typeof logLevels)[number]> =>
  Type.Enum(logLevels, { ignoreCase: true, ...options });

/** One object per kind, told apart by the key `kind`: the value carries it, and the schema of a kind lists the rest. */
export const Kinds = <const K extends Readonly<Record<string, Schema>>>(
  kinds: K,
  options: Annotations & { readonly defaultKind?: keyof K & string } = {},
): Schema<
  { [N in keyof K & string]: { kind: N } & (K[N] extends Schema<infer T> ? T : never) }[keyof K & string]
> => ({
  type: "object",
  kinds,
  ...options,
});

/** A plugin's block: its kind and whatever that plugin's own schema lists. */
export interface PluginBlock {
  /** The whole kind, e.g. `io.l5d.fs`, however the file spelt it. */
  readonly kind: string;
  readonly [key: string]: unknown;
}

/** The block of a plugin of one slot; `keys` are those that all plugins of the slot share. */
export const PluginOf = <T extends PluginBlock = PluginBlock>(
  slot: string,
  keys: Readonly<Record<string, Schema>> = {},
  options: Annotations = {},
): Schema<T> => ({ type: "object", slot, keys, ...options });

/** A list that may also be given as its only element. */
export const OneOrMany = <T>(items: Schema<T>, options: Annotations = {}): Schema<T[]> => ({
  type: "array",
  items,
  orSingle: true,
  ...options,
});

/** The same schema with a value for when the key is absent. */
export const withDefault = <S extends Schema>(schema: S, value: unknown): S => ({
  ...schema,
  default: value,
});
