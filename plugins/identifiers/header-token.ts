/** `io.l5d.header.token`: the value of a header, by default `Host`, is the one segment of the name. */
import { Type } from "../../config/type.ts";
import { Path } from "../../dtab/index.ts";
import { definePlugin, type Identifier, Unidentified } from "../contract.ts";
import { BoundedMemo } from "../lib/bounded-memo.ts";
import { rememberedNames } from "../lib/names.ts";

export default definePlugin({
  slot: "identifier",
  kind: "io.l5d.header.token",
  protocols: ["http"],
  schema: Type.Object({
    header: Type.String({
      format: "header",
      default: "Host",
      description: "Header whose value, as it is written, is the name.",
    }),
  }),
  create: ({ header }, ctx) => createTokenIdentifier(header, ctx.dstPrefix),
});

/** Names requests by one header; the value keeps its case and its port. */
export function createTokenIdentifier(header: string, dstPrefix: Path): Identifier {
  const name = header.toLowerCase();
  const absent = new Unidentified(`${header} header is absent`);
  const names = new BoundedMemo<Path>(rememberedNames);
  const makeName = (token: string): Path => dstPrefix.concat(Path.of(token));
  return {
    identify(request) {
      const token = request.header(name);
      if (token === undefined || token === "") return absent;
      return names.get(token) ?? names.add(token, makeName);
    },
  };
}
