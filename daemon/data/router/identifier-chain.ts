/** Several identifiers as one: the first that names a request wins. */
import { type Identifier, Unidentified } from "../../../plugins/contract.ts";

/** Asks in order; a throw ends the list; if nobody names the request, the last one's reason is given. */
export function createIdentifierChain(identifiers: readonly Identifier[]): Identifier {
  if (identifiers.length === 0) throw new RangeError("a router needs an identifier");
  if (identifiers.length === 1) return identifiers[0]!;
  const last = identifiers.length - 1;
  return {
    identify(request) {
      for (let at = 0; at < last; at++) {
        const name = identifiers[at]!.identify(request);
        if (!(name instanceof Unidentified)) return name;
      }
      return identifiers[last]!.identify(request);
    },
  };
}
