/** A header section as a plain list, for tests of what works on `Headers`. */
import type { Headers } from "../../daemon/data/headers.ts";

/** A header section in memory. */
export class HeaderList implements Headers {
  #fields: (readonly [name: string, value: string])[];

  constructor(fields: readonly (readonly [name: string, value: string])[] = []) {
    this.#fields = fields.map(([name, value]) => [name, value]);
  }

  first(name: string): string | undefined {
    return this.#fields.find(([each]) => each.toLowerCase() === name)?.[1];
  }

  all(name: string): readonly string[] {
    return this.#fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  }

  remove(name: string): void {
    this.#fields = this.#fields.filter(([each]) => each.toLowerCase() !== name);
  }

  removePrefixed(prefix: string): void {
    this.#fields = this.#fields.filter(([each]) => !each.toLowerCase().startsWith(prefix));
  }

  set(name: string, value: string): void {
    this.remove(name);
    this.append(name, value);
  }

  append(name: string, value: string): void {
    this.#fields.push([name, value]);
  }

  entries(): readonly (readonly [name: string, value: string])[] {
    return this.#fields;
  }

  /** The fields with names in lower case, sorted by name: how the conformance vectors give them. */
  sorted(): (readonly [name: string, value: string])[] {
    const lower = this.#fields.map(([name, value]) => [name.toLowerCase(), value] as const);
    return lower.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }
}
