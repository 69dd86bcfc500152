/** Objects of Kubernetes as JSON says them, checked before they count. */

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** An object of the API. */
export interface KubeObject extends Json {
  readonly metadata: Json & {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly resourceVersion: string;
  };
}

/** The value as an object; undefined for anything else. */
export const asObject = (value: unknown): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

/** The value as a list; absent and null are empty. Throws for anything else. */
export function listOf(value: unknown, what: string): readonly Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${what} is no list`);
  return value.map((each) => {
    const object = asObject(each);
    if (object === undefined) throw new Error(`${what} holds something else than objects`);
    return object;
  });
}

/** Reads JSON text that must be an object. */
export function parseObject(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`not JSON: ${JSON.stringify(text.slice(0, 80))}`);
  }
  const object = asObject(value);
  if (object === undefined) throw new Error(`not a JSON object: ${text.slice(0, 80)}`);
  return object;
}

/** The value as an object of this kind, with the names that every object has. */
export function objectOfKind(value: Json, kind: string): KubeObject {
  const metadata = asObject(value["metadata"]);
  if (value["kind"] !== kind) throw new Error(`expected ${kind}, got ${JSON.stringify(value["kind"])}`);
  const { name, resourceVersion } = metadata ?? {};
  if (typeof name !== "string" || typeof resourceVersion !== "string") {
    throw new Error(`${kind} without name or resourceVersion`);
  }
  return value as KubeObject;
}

/** Whether version `a` is before `b`; never where one of them is no number. */
export function isOlder(a: string, b: string): boolean {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}
