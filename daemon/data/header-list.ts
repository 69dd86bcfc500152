/** A header section as a list, for messages that this proxy makes itself. */
import type { Headers } from "./headers.ts";

/** Fields in order; see Headers. */
export class HeaderList implements Headers {
  #fields: (readonly [name: string, value: string])[];

  constructor(fields: readonly (readonly [name: string, value: string])[] = []) {
    this.#fields = [...fields];
  }

  get mayRoute(): boolean {
    return this.#fields.some(([name]) => /^(l5d-|dtab-local$|x-forwarded-client-cert$)/i.test(name));
  }

  get mayHaveVia(): boolean {
    return this.first("via") !== undefined;
  }

  first(name: string): string | undefined {
    return this.#fields.find(([other]) => other.toLowerCase() === name)?.[1];
  }

  all(name: string): readonly string[] {
    return this.#fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
  }

  remove(name: string): void {
    this.#fields = this.#fields.filter(([other]) => other.toLowerCase() !== name);
  }

  removePrefixed(prefix: string): void {
    this.#fields = this.#fields.filter(([other]) => !other.toLowerCase().startsWith(prefix));
  }

  set(name: string, value: string): void {
    this.remove(name.toLowerCase());
    this.append(name, value);
  }

  append(name: string, value: string): void {
    this.#fields.push([name, value]);
  }

  appendText(text: string): void {
    for (const line of text.split("\r\n")) {
      const colon = line.indexOf(": ");
      if (colon > 0) this.append(line.slice(0, colon), line.slice(colon + 2));
    }
  }

  mark(): string {
    return String(this.#fields.length);
  }

  rewind(mark: string): void {
    this.#fields.length = Number(mark);
  }

  entries(): readonly (readonly [name: string, value: string])[] {
    return this.#fields;
  }
}
