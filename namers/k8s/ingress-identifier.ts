/** `io.l5d.ingress`: the rules of Ingress resources name a request, `/<namespace>/<port>/<service>`. */
import { Path } from "../../dtab/index.ts";
import {
  definePlugin,
  type Identifier,
  type IdentifierContext,
  Unidentified,
} from "../../plugins/contract.ts";
import { ProxyError } from "../../plugins/errors.ts";
import { pathOf } from "../../plugins/lib/names.ts";
import { ingressKind, ingressSchema } from "./ingress-keys.ts";
import { type IngressMatcher, ingressMatcher } from "./ingress-match.ts";
import type { Ingress } from "./ingress-rules.ts";

export default definePlugin({
  slot: "identifier",
  kind: ingressKind,
  protocols: ["http"],
  schema: ingressSchema,
  create: ({ ignoreDefaultBackends }, ctx) => createIngressIdentifier(ignoreDefaultBackends, ctx),
});

const noMatch = new Unidentified("no ingress rule matches");

/** Names requests by host and path. */
export function createIngressIdentifier(
  ignoreDefaultBackends: boolean,
  { dstPrefix, feed, log }: IdentifierContext,
): Identifier {
  let known: unknown;
  let match: IngressMatcher<Path> | undefined;
  /** Rules that are new are made ready once. */
  const matcher = (): IngressMatcher<Path> => {
    const told = feed();
    if (match !== undefined && told === known) return match;
    if (told === undefined) {
      throw new ProxyError("E_NOT_READY", "io.l5d.ingress: the API server has not told of any Ingress yet");
    }
    known = told;
    match = ingressMatcher(
      told as readonly Ingress[],
      ignoreDefaultBackends,
      (namespace, { port, service }) => dstPrefix.concat(Path.utf8(namespace, port, service)),
      ({ namespace, name }, path, cause) =>
        log.warn("a path of an Ingress cannot be used, and is left out", { namespace, name, path, cause }),
    );
    return match;
  };
  return {
    identify: (request) => matcher()(hostOf(request.header("host") ?? ""), pathOf(request.target)) ?? noMatch,
  };
}

/** The host without its port, in lower case; throws for what is none. */
function hostOf(authority: string): string {
  const end = authority.indexOf(":", authority.startsWith("[") ? authority.indexOf("]") : 0);
  const host = end < 0 ? authority : authority.slice(0, end);
  if (end >= 0 && !/^\d*$/.test(authority.slice(end + 1))) {
    throw new ProxyError("E_UNIDENTIFIED", `the host ${JSON.stringify(authority)} makes no sense`);
  }
  return host.toLowerCase();
}
