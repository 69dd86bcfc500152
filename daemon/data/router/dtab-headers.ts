/** A request's own dtab: `l5d-ctx-dtab` from the hop before, then `l5d-dtab` from the user, whose rules win. */
import { Dtab, DtabSyntaxError } from "../../../dtab/index.ts";
import { ProxyError } from "../../../plugins/errors.ts";
import { BoundedMemo } from "../../../plugins/lib/bounded-memo.ts";
import type { Headers } from "../headers.ts";

/** The rules a request brings along. */
export interface LocalDtab {
  readonly dtab: Dtab;
  /** The canonical text: the key of the binding and the value of `l5d-ctx-dtab`. Empty if there are no rules. */
  readonly text: string;
}

const contextHeader = "l5d-ctx-dtab";
const userHeader = "l5d-dtab";

/** The headers that end here. */
export const dtabHeaders: readonly string[] = [contextHeader, userHeader];

/** A request without rules. */
export const noLocalDtab: LocalDtab = { dtab: Dtab.empty, text: "" };

/** Overrides come in few kinds and often; a flood of different ones must not cost memory. */
const parsed = new BoundedMemo<LocalDtab>(512);

/**
 * Takes the dtab headers off a request. Each value is parsed on its own and the rules follow each other in order;
 * one that is no dtab ends the request with `E_BAD_DTAB` and the parser's words.
 */
export function takeDtabHeaders(headers: Headers): LocalDtab {
  let local = addAll(noLocalDtab, headers.all(contextHeader));
  local = addAll(local, headers.all(userHeader));
  headers.remove(contextHeader);
  headers.remove(userHeader);
  return local;
}

/** The rules of the values of `l5d-dtab`, one after the other; throws a `ProxyError`. */
export const readUserDtab = (values: readonly string[]): LocalDtab => addAll(noLocalDtab, values);

/** Passes the request's rules on to the next hop. */
export function writeDtabHeader(headers: Headers, local: LocalDtab): void {
  if (local.text !== "") headers.set(contextHeader, local.text);
}

/** The rules of `a` followed by those of `b`. */
export function concatLocal(a: LocalDtab, b: LocalDtab): LocalDtab {
  if (a.text === "") return b;
  if (b.text === "") return a;
  return { dtab: a.dtab.concat(b.dtab), text: `${a.text};${b.text}` };
}

/** Reads one value; throws a `ProxyError`. */
export function readLocalDtab(text: string): LocalDtab {
  return parsed.get(text) ?? parsed.add(text, parse);
}

function addAll(local: LocalDtab, values: readonly string[]): LocalDtab {
  for (let at = 0; at < values.length; at++) local = concatLocal(local, readLocalDtab(values[at]!));
  return local;
}

function parse(text: string): LocalDtab {
  try {
    const dtab = Dtab.read(text);
    return dtab.isEmpty ? noLocalDtab : { dtab, text: wireText(dtab) };
  } catch (cause) {
    if (cause instanceof DtabSyntaxError) throw new ProxyError("E_BAD_DTAB", cause.message, { cause });
    throw cause;
  }
}

/** Linkerd's text, which rounds weights to two decimals, unless that would change them. */
function wireText(dtab: Dtab): string {
  const shown = dtab.show();
  return Dtab.read(shown).equals(dtab) ? shown : dtab.showExact();
}
