/** `io.l5d.path`: the first segments of the target's path are the name. */
import { Type } from "../../config/type.ts";
import { Path } from "../../dtab/index.ts";
import { definePlugin, type Identifier, Unidentified } from "../contract.ts";
import { ProxyError } from "../errors.ts";
import { BoundedMemo } from "../lib/bounded-memo.ts";
import { rememberedNames } from "../lib/names.ts";

export default definePlugin({
  slot: "identifier",
  kind: "io.l5d.path",
  protocols: ["http"],
  schema: Type.Object({
    segments: Type.Integer({ minimum: 0, default: 1, description: "How many segments make the name." }),
    consume: Type.Boolean({ default: false, description: "Take them off the target that goes out." }),
  }),
  create: ({ segments, consume }, ctx) => createPathIdentifier(segments, consume, ctx.dstPrefix),
});

const tooShort = new Unidentified("not enough segments in path");
const slash = 0x2f;

/** Names requests by their first segments, as they are written: nothing is decoded. */
export function createPathIdentifier(segments: number, consume: boolean, dstPrefix: Path): Identifier {
  const names = new BoundedMemo<Path>(rememberedNames);
  const makeName = (text: string): Path => dstPrefix.concat(pathOfSegments(text));
  return {
    identify(request) {
      const { target } = request;
      if (segments === 0) return dstPrefix;
      const queryAt = target.indexOf("?");
      const pathEnd = queryAt < 0 ? target.length : queryAt;
      // Slashes at the end make no segments, though one of them is kept when the rest goes out.
      let contentEnd = pathEnd;
      while (contentEnd > 0 && target.charCodeAt(contentEnd - 1) === slash) contentEnd--;
      const nameEnd = endOfSegments(target, contentEnd, segments);
      if (nameEnd < 0) return tooShort;
      const text = target.slice(0, nameEnd);
      const name = names.get(text) ?? names.add(text, makeName);
      if (consume) {
        const rest = target.slice(nameEnd, contentEnd);
        const trailing = rest === "" || contentEnd < pathEnd ? "/" : "";
        request.target = rest + trailing + target.slice(pathEnd);
      }
      return name;
    },
  };
}

/** Where the first `count` segments of `/a/b/c` end; -1 if there are fewer before `end`. */
function endOfSegments(target: string, end: number, count: number): number {
  if (end === 0 || target.charCodeAt(0) !== slash) return -1;
  let at = 0;
  for (let segment = 0; segment < count; segment++) {
    if (at >= end) return -1;
    const next = target.indexOf("/", at + 1);
    at = next < 0 || next > end ? end : next;
  }
  return at;
}

function pathOfSegments(text: string): Path {
  const segments = text.slice(1).split("/");
  if (segments.includes(""))
    throw new ProxyError("E_UNIDENTIFIED", `request target has an empty segment: ${text}`);
  return Path.of(...segments);
}
