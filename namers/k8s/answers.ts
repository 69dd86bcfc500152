/** What the API server answers to a list. */
import { Refused } from "./errors.ts";
import { asObject, type Json, type KubeObject, listOf, objectOfKind, parseObject } from "./json.ts";

/** What a list says; without a version there is no such object. */
export interface Listed {
  readonly objects: readonly KubeObject[];
  readonly version: string | undefined;
}

/** Reads the answer to a list: of one object, if it has a name. Throws for what is none. */
export function readList(
  status: number,
  text: string,
  { kind, name }: { readonly kind: string; readonly name: string | undefined },
): Listed {
  // One object may not be there; a selector that finds none is an empty list.
  if (status === 404 && name !== undefined && isStatus(text)) return { objects: [], version: undefined };
  if (status !== 200) throw badStatus(status, text);
  if (name === undefined) return readObjects(parseObject(text), kind);
  const object = objectOfKind(parseObject(text), kind);
  if (object.metadata.name !== name) throw new Error(`asked for ${name}, got ${object.metadata.name}`);
  return { objects: [object], version: object.metadata.resourceVersion };
}

/** Reads a list, whose items need not say what kind they are. */
function readObjects(list: Json, kind: string): Listed {
  const version = asObject(list["metadata"])?.["resourceVersion"];
  if (list["kind"] !== `${kind}List` || typeof version !== "string" || !Array.isArray(list["items"])) {
    throw new Error(`expected ${kind}List, got ${JSON.stringify(list["kind"])}`);
  }
  const objects = listOf(list["items"], "items").map((item) => objectOfKind({ ...item, kind }, kind));
  return { objects, version };
}

/** Whether a text is the API server's own word, and not that of somebody in between. */
function isStatus(text: string): boolean {
  try {
    return parseObject(text)["kind"] === "Status";
  } catch {
    return false;
  }
}

/** An answer that is none, in the API server's words if it has any. */
export function badStatus(status: number, answer: string): Error {
  let message = answer.slice(0, 200);
  try {
    message = String(parseObject(answer)["message"] ?? message);
  } catch {
    // Not the API server's own words: shown as they are.
  }
  const text = `status ${status}: ${message}`;
  return status === 403 || status === 404 ? new Refused(text) : new Error(text);
}
