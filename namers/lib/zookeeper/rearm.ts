/** The requests that set watches again on a new connection. */
import { op, type Request } from "./protocol.ts";
import type { Rearmed } from "./watches.ts";

/** The server takes messages of up to a megabyte. */
const mostBytes = 128 * 1024;

/** One request, or several where there are many paths; none without paths. */
export function rearmRequests({ data, exist, child }: Rearmed, lastZxid: bigint): Request[] {
  const lists: readonly (keyof Rearmed)[] = ["data", "exist", "child"];
  const all = { data, exist, child };
  const parts: Rearmed[] = [];
  let bytes = mostBytes;
  for (const list of lists) {
    for (const path of all[list]) {
      const size = 4 + Buffer.byteLength(path);
      if (bytes + size > mostBytes) {
        parts.push({ data: [], exist: [], child: [] });
        bytes = 0;
      }
      bytes += size;
      parts.at(-1)![list].push(path);
    }
  }
  return parts.map((part) => ({
    op: op.setWatches,
    what: "setWatches",
    write: (body) => {
      body.long(lastZxid);
      for (const list of lists) body.vector(part[list], (path) => body.text(path));
    },
  }));
}
