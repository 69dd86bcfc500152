/** `io.l5d.methodAndHost`: the name is `/<version>/<method>/<host>`, and the path of the target if asked for. */
import { Type } from "../../config/type.ts";
import { Path } from "../../dtab/index.ts";
import { definePlugin, type Identifier, type RequestView, Unidentified } from "../contract.ts";
import { BoundedMemo } from "../lib/bounded-memo.ts";
import { pathOf, readRequestPath, rememberedNames } from "../lib/names.ts";

export default definePlugin({
  slot: "identifier",
  kind: "io.l5d.methodAndHost",
  protocols: ["http"],
  schema: Type.Object({
    httpUriInDst: Type.Boolean({ default: false, description: "Add the path of the target to the name." }),
  }),
  create: ({ httpUriInDst }, ctx) => createMethodAndHostIdentifier(httpUriInDst, ctx.dstPrefix),
});

const missingHost = new Unidentified("HTTP/1.1 request missing hostname");

const rememberedMethods = 64;

/** Names requests by version, method and host in lower case; HTTP/1.0 requests have no host in their name. */
export function createMethodAndHostIdentifier(uriInName: boolean, dstPrefix: Path): Identifier {
  const names = new BoundedMemo<Path>(rememberedNames);
  const named = (host: string, method: string): Path =>
    dstPrefix.concat(Path.of("1.1", method, host.toLowerCase()));
  const unnamed = (method: string): Path => dstPrefix.concat(Path.of("1.0", method));
  const withoutHost = new BoundedMemo<Path>(rememberedMethods);
  function baseName(request: RequestView): Path | Unidentified {
    const { method } = request;
    switch (request.version) {
      case "1.1": {
        const host = request.header("host");
        if (host === undefined || host === "") return missingHost;
        return names.get(host, method) ?? names.add(host, named, method);
      }
      case "1.0":
        return withoutHost.get(method) ?? withoutHost.add(method, unnamed);
      case "2":
        return new Unidentified("Unknown HTTP version HTTP/2");
    }
  }

  return {
    identify(request) {
      const base = baseName(request);
      if (!uriInName || base instanceof Unidentified) return base;
      return base.concat(readRequestPath(pathOf(request.target), "request target"));
    },
  };
}
