/** Reading the JSON that services write into their nodes. */
import { Unreadable } from "./children.ts";

/** An object of JSON. */
export type Json = Readonly<Record<string, unknown>>;

/** The object that a text holds; throws `Unreadable` where it holds none. */
export function readObject(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Unreadable("no JSON");
  }
  const object = objectOf(value);
  if (object === undefined) throw new Unreadable("no JSON object");
  return object;
}

/** A value as an object, if it is one. */
export const objectOf = (value: unknown): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

/** A value as a text, if it is one that is not empty. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** A value as an integer, if it is one. */
export const integerOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) ? value : undefined;

/** A value as a port, if it is one. */
export const portOf = (value: unknown): number | undefined => {
  const port = integerOf(value);
  return port !== undefined && port > 0 && port <= 65535 ? port : undefined;
};
