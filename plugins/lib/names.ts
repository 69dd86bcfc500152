/** What identifiers share. */
import { Path } from "../../dtab/index.ts";
import { ProxyError } from "../errors.ts";

/**
 * How many names each identifier remembers. A memo forgets by halves, so that half as many may be asked for in turn and
 * none is made anew.
 */
export const rememberedNames = 8192;

/** A path that the request spells out; what is not one ends the request, as no later identifier is asked. */
export function readRequestPath(text: string, what: string): Path {
  try {
    return Path.read(text);
  } catch (cause) {
    throw new ProxyError("E_UNIDENTIFIED", `${what} is not a path: ${(cause as Error).message}`, { cause });
  }
}

/** The path of a target, without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}
