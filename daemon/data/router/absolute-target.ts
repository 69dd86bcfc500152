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

/** The scheme of an absolute target as it is written, for `Forwarded`; undefined for any other form. */
export function schemeOf(target: string): string | undefined {
  if (target.charCodeAt(0) === slash) return undefined;
  const authorityAt = startOfAuthority(target);
  return authorityAt < 0 ? undefined : target.slice(0, authorityAt - 3);
}

/** Behind `<scheme>://`; -1 where there is no scheme. */
function startOfAuthority(target: string): number {
  const end = target.indexOf("://");
  if (end <= 0) return -1;
  for (let at = 0; at < end; at++) {
    if (!isSchemeChar(target.charCodeAt(at))) return -1;
  }
  return end + 3;
}

/** Letters, digits, plus, minus and dot (RFC 3986 3.1). */
const isSchemeChar = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x30 && code <= 0x39) ||
  code === 0x2b ||
  code === 0x2d ||
  code === 0x2e;

/** A slash, a question mark or a number sign. */
const endsAuthority = (code: number): boolean => code === slash || code === 0x3f || code === 0x23;
