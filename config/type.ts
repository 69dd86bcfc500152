/**
 * Schemas with static types: each builder returns a plain JSON Schema (draft-07) object whose TypeScript type
 * carries the type of the values that it accepts.
 *
 * The surface is that of TypeBox, so a plugin may use either. The daemon has its own because TypeBox costs 22 MB of
 * resident memory and 0.1 s in every thread that loads a plugin (docs/decisions.md).
 */

declare const staticType: unique symbol;

/** A JSON Schema object that describes values of type `T`. */
export interface Schema<T = unknown> {
  readonly [staticType]?: T;
  readonly [keyword: string]: unknown;
}

/** The type of the values that a schema accepts. */
export type Static<S> = S extends Schema<infer T> ? T : never;

/** A property that may be left out of its object. */
export interface Optional<T> extends Schema<T> {
  readonly "~optional": true;
}

type Properties = Readonly<Record<string, Schema>>;
type OptionalKeys<P extends Properties> = {
  [K in keyof P]: P[K] extends { "~optional": true }
    ? P[K] extends { default: unknown }
      ? never
      : K
    : never;
}[keyof P];
type StaticObject<P extends Properties> = { [K in Exclude<keyof P, OptionalKeys<P>>]: Static<P[K]> } & {
  [K in OptionalKeys<P>]?: Static<P[K]> | undefined;
};

/** An object type with its intersections written out, for readable editor hints. */
type Flat<T> = { [K in keyof T]: T[K] };

/** Keywords that any schema may carry; `description` becomes documentation. */
export interface Annotations {
  readonly description?: string;
  readonly [keyword: string]: unknown;
}

const optionalMark = { "~optional": true } as const;

/** Builders of schemas. */
export const Type = {
  /** A string; `pattern`, `minLength` and the like as in JSON Schema. */
  String: (options: Annotations = {}): Schema<string> => ({ type: "string", ...options }),
  /** An integer; `minimum`, `maximum`, `default`. */
  Integer: (options: Annotations = {}): Schema<number> => ({ type: "integer", ...options }),
  /** A number; `minimum`, `maximum`, `default`. */
  Number: (options: Annotations = {}): Schema<number> => ({ type: "number", ...options }),
  /** A boolean; the YAML 1.1 words (`yes`, `off`…) are taken too. */
  Boolean: (options: Annotations = {}): Schema<boolean> => ({ type: "boolean", ...options }),
  /** Any value at all. */
  Unknown: (options: Annotations = {}): Schema<unknown> => ({ ...options }),
  /** One constant. */
  Literal: <const V extends string | number | boolean>(value: V, options: Annotations = {}): Schema<V> => ({
    const: value,
    ...options,
  }),
  /** One of some strings. */
  Enum: <const V extends readonly string[]>(values: V, options: Annotations = {}): Schema<V[number]> => ({
    type: "string",
    enum: values,
    ...options,
  }),
  /** A list of values of one schema. */
  Array: <S extends Schema>(items: S, options: Annotations = {}): Schema<Static<S>[]> => ({
    type: "array",
    items,
    ...options,
  }),
  /** A map from strings to values of one schema. */
  Record: <S extends Schema>(values: S, options: Annotations = {}): Schema<Record<string, Static<S>>> => ({
    type: "object",
    additionalProperties: values,
    ...options,
  }),
  /** An object with exactly these keys; a key with a `default` is always present after loading. */
  Object: <const P extends Properties>(
    properties: P,
    options: Annotations = {},
  ): Schema<Flat<StaticObject<P>>> => ({
    type: "object",
    properties,
    required: Object.keys(properties).filter(
      (key) => !("~optional" in properties[key]!) && !("default" in properties[key]!),
    ),
    additionalProperties: false,
    ...options,
  }),
  /** One of several schemas, the first that fits. */
  Union: <const S extends readonly Schema[]>(
    schemas: S,
    options: Annotations = {},
  ): Schema<Static<S[number]>> => ({
    anyOf: schemas,
    ...options,
  }),
  /** Marks a property that may be left out. */
  Optional: <S extends Schema>(schema: S): S & Optional<Static<S>> =>
    ({ ...schema, ...optionalMark }) as S & Optional<Static<S>>,
};
