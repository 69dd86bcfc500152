/** Absolute-form targets (RFC 9112 3.2.2): the authority becomes `Host` and the rest the target. */
import type { Headers } from "../headers.ts";

const slash = 0x2f;

/** The target in origin form; an absolute one sets `Host`, whatever the request said there. */
export function rewriteAbsoluteTarget(target: string, headers: Headers): string {
  // Nearly every target begins with a slash and is done here.
  if (target.charCodeAt(0) === slash) return target;
  const authorityAt = startOfAuthority(target);
  if (authorityAt < 0) return target;
  let end = authorityAt;
  while (end < target.length && !endsAuthority(target.charCodeAt(end))) end++;
  if (end === authorityAt) return target;
  headers.set("host", target.slice(authorityAt, end));
  const rest = target.slice(end);
  return rest.charCodeAt(0) === slash ? rest : `/${rest}`;
}

/** Behind `http://` or `https://` in any case; -1 where there is neither. */
function startOfAuthority(target: string): number {
  const scheme = target.slice(0, 8).toLowerCase();
  if (scheme.startsWith("http://")) return 7;
  return scheme === "https://" ? 8 : -1;
}

/** A slash, a question mark or a number sign. */
const endsAuthority = (code: number): boolean => code === slash || code === 0x3f || code === 0x23;
