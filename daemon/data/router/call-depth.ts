/** The hops that `Via` counts. */
import { ProxyError } from "../../../plugins/errors.ts";

/** Refuses a request that went through more than `most` hops: a loop between proxies would go on for ever. */
export function checkCallDepth(via: string | undefined, most: number): void {
  if (via === undefined || callDepth(via) <= most) return;
  throw new ProxyError(
    "E_HOP_LIMIT",
    `Maximum number of calls (${most}) has been exceeded. Please check for proxy loops.`,
  );
}

/** How many elements `Via` lists; empty ones at its end do not count, but a wholly empty one is one. */
export function callDepth(via: string): number {
  if (via === "") return 1;
  let depth = 0;
  let element = 1;
  for (let at = 0; at < via.length; at++) {
    if (via.charCodeAt(at) === 0x2c) element++;
    else depth = element;
  }
  return depth;
}
