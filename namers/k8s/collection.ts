/** The objects that a watch has seen, as the values that they make. */
import type { KubeObject } from "./json.ts";
import type { WatchSource } from "./source.ts";

/** The key of everything, where a source has no keys. */
export const onlyKey = "";

/** What each object comes to, by key and then by name; what changed last comes last. */
export class Collection<T> {
  readonly #source: WatchSource<T>;
  readonly #parts = new Map<string, Map<string, T>>();
  /** The key of each object that is there, by its name. */
  readonly #keys = new Map<string, string>();

  /** Throws for an object that makes no sense. */
  constructor(source: WatchSource<T>, objects: readonly KubeObject[]) {
    this.#source = source;
    for (const object of objects) this.put(object);
  }

  /** How many objects there are. */
  get size(): number {
    return this.#keys.size;
  }

  /** The value of a key, perhaps of no objects. */
  value(key: string): T {
    return this.#source.merge([...(this.#parts.get(key)?.values() ?? [])]);
  }

  /** Every key with its value. */
  *entries(): Generator<readonly [key: string, value: T]> {
    for (const key of this.#parts.keys()) yield [key, this.value(key)];
  }

  /** An object is there, new or changed; the keys whose values changed. Throws, with nothing changed, as above. */
  put(object: KubeObject): readonly string[] {
    const value = this.#source.read(object);
    const key = this.#source.keyOf?.(object) ?? onlyKey;
    const before = this.remove(object);
    const name = wholeName(object);
    const parts = this.#parts.get(key) ?? new Map<string, T>();
    this.#parts.set(key, parts.set(name, value));
    this.#keys.set(name, key);
    return before[0] === undefined || before[0] === key ? [key] : [...before, key];
  }

  /** An object is gone; the keys whose values changed. */
  remove(object: KubeObject): readonly string[] {
    const name = wholeName(object);
    const key = this.#keys.get(name);
    if (key === undefined) return [];
    this.#keys.delete(name);
    const parts = this.#parts.get(key)!;
    parts.delete(name);
    if (parts.size === 0) this.#parts.delete(key);
    return [key];
  }
}

const wholeName = ({ metadata: { namespace = "", name } }: KubeObject): string => `${namespace}/${name}`;
