/** What a watch watches: one object of the API, or all that a selector finds, and what to make of them. */
import type { KubeObject } from "./json.ts";

/** See the file's comment. */
export interface WatchSource<T> {
  readonly kind: string;
  /** Of a single object; undefined for all that the targets select. */
  readonly name: string | undefined;
  readonly listTarget: string;
  readonly watchTarget: string;
  /** Asked instead while nothing is known, where the API server has, or allows, no such objects. */
  readonly instead?: WatchSource<T> | undefined;
  /** What one object comes to; throws for one that makes no sense. */
  read(object: KubeObject): T;
  /** All of one key together; there may be none. */
  merge(parts: readonly T[]): T;
  /** What an object is a part of, where the objects are those of many; absent: all make one value. */
  readonly keyOf?: ((object: KubeObject) => string) | undefined;
  /** Whether it has nothing that requests could be sent to. */
  isEmpty(value: T): boolean;
  /** How many of those there are; a list that loses most of them is doubted, as one that loses all is. */
  readonly sizeOf?: ((value: T) => number) | undefined;
  /** What the state document shows of it. */
  show(value: T): unknown;
}
