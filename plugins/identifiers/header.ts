/** `io.l5d.header`: the value of a header, by default `l5d-name`, is the name, written as a path. */
import { Type } from "../../config/type.ts";
import type { Path } from "../../dtab/index.ts";
import { definePlugin, type Identifier, Unidentified } from "../contract.ts";
import { BoundedMemo } from "../lib/bounded-memo.ts";
import { readRequestPath, rememberedNames } from "../lib/names.ts";

export default definePlugin({
  slot: "identifier",
  kind: "io.l5d.header",
  protocols: ["http"],
  schema: Type.Object({
    header: Type.String({
      format: "header",
      default: "l5d-name",
      description: "Header whose value is a path such as /users/eu.",
    }),
  }),
  create: ({ header }, ctx) => createHeaderIdentifier(header, ctx.dstPrefix),
});

/** Names requests by the path in one header; a value that is no path is refused. */
export function createHeaderIdentifier(header: string, dstPrefix: Path): Identifier {
  const name = header.toLowerCase();
  const absent = new Unidentified(`${header} header is absent`);
  const names = new BoundedMemo<Path>(rememberedNames);
  const makeName = (value: string): Path => dstPrefix.concat(readRequestPath(value, `${header} header`));
  return {
    identify(request) {
      const value = request.header(name);
      if (value === undefined || value === "") return absent;
      return names.get(value) ?? names.add(value, makeName);
    },
  };
}
