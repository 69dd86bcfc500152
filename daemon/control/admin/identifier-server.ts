/** The listener of `admin.httpIdentifierPort`: tells how each router would name the request that it is sent. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { Path } from "../../../dtab/index.ts";
import { type Identifier, type RequestView, Unidentified } from "../../../plugins/contract.ts";
import type { Feeds } from "../feeds.ts";
import type { Generation } from "../generation.ts";
import { context } from "../naming.ts";

/** One router's way to name requests. */
interface RouterIdentifiers {
  readonly label: string;
  readonly dtab: string;
  readonly identifiers: readonly Identifier[];
}

/** How a router names a request, or why it does not. */
export type Identification = { readonly path: string; readonly dtab: string } | { readonly error: string };

/** Listens, on the socket of a descriptor if there is one; rejects as `listen` does. Answers as the configuration that runs then. */
export const openIdentifierServer = async (
  ip: string,
  port: number,
  current: () => Generation,
  feeds: Pick<Feeds, "reader">,
  fd?: number,
): Promise<Server> => {
  let of = current();
  let routers = identifiersOf(of, feeds);
  const server = createServer((request, response) => {
    request.resume();
    if (of !== current()) {
      of = current();
      routers = identifiersOf(of, feeds);
    }
    const answers = routers.map((router) => [router.label, identify(router, request)] as const);
    response.setHeader("content-type", "application/json; charset=utf-8");
    response.end(`${JSON.stringify(Object.fromEntries(answers), null, 2)}\n`);
  });
  if (fd === undefined) server.listen(port, ip);
  else server.listen({ fd });
  await once(server, "listening");
  return server;
};

const identifiersOf = (
  { config, parts }: Generation,
  feeds: Pick<Feeds, "reader">,
): readonly RouterIdentifiers[] =>
  config.routers.map((router): RouterIdentifiers => {
    const metrics = parts.metrics.scope("rt", router.label, "identifier");
    const ctx = {
      ...context(parts, `router/${router.label}/identifier`, metrics),
      dstPrefix: Path.read(router.dstPrefix),
    };
    const identifiers = router.identifier.map((block) => {
      const { kind, ...own } = block;
      return parts.registry.get("identifier", kind).create({ ...own }, { ...ctx, feed: feeds.reader(block) });
    });
    return { label: router.label, dtab: router.dtab, identifiers };
  });

const identify = ({ dtab, identifiers }: RouterIdentifiers, request: IncomingMessage): Identification => {
  const reasons: string[] = [];
  for (const identifier of identifiers) {
    try {
      const named = identifier.identify(viewOf(request));
      if (!(named instanceof Unidentified)) return { path: named.show(), dtab };
      reasons.push(named.reason);
    } catch (cause) {
      // A throw ends the list, as it does for a request.
      return { error: cause instanceof Error ? cause.message : String(cause) };
    }
  }
  return { error: reasons.join("; ") };
};

const viewOf = ({ method, url, httpVersion, headersDistinct }: IncomingMessage): RequestView => ({
  method: method ?? "GET",
  target: url ?? "/",
  version: httpVersion === "1.0" ? "1.0" : "1.1",
  header: (name) => headersDistinct[name]?.[0],
});
