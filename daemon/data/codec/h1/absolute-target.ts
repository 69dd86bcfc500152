/** Absolute-form targets (RFC 9112 3.2.2), taken apart. */

/** `http://web:80/a?b` in its parts. */
export interface AbsoluteTarget {
  /** As it is written. */
  readonly scheme: string;
  /** What becomes the `Host`. */
  readonly authority: string;
  /** Path and query in origin form; `/` where the target has neither. */
  readonly target: string;
}

const slash = 0x2f;

/** The parts of an absolute target; undefined for one of another form. */
export function splitAbsoluteTarget(target: string): AbsoluteTarget | undefined {
  if (target.charCodeAt(0) === slash) return undefined;
  const schemeEnd = target.indexOf("://");
  if (schemeEnd <= 0 || !isScheme(target, schemeEnd)) return undefined;
  const start = schemeEnd + 3;
  let end = start;
  while (end < target.length && !endsAuthority(target.charCodeAt(end))) end++;
  if (end === start) return undefined;
  const rest = target.slice(end);
  return {
    scheme: target.slice(0, schemeEnd),
    authority: target.slice(start, end),
    target: rest.charCodeAt(0) === slash ? rest : `/${rest}`,
  };
}

/** Letters, digits, plus, minus and dot up to `end` (RFC 3986 3.1). */
function isScheme(target: string, end: number): boolean {
  for (let at = 0; at < end; at++) {
    const code = target.charCodeAt(at) | 0x20;
    const isLetter = code >= 0x61 && code <= 0x7a;
    if (!isLetter && (at === 0 || !"0123456789+-.".includes(target.charAt(at)))) return false;
  }
  return true;
}

/** A slash, a question mark or a number sign. */
const endsAuthority = (code: number): boolean => code === slash || code === 0x3f || code === 0x23;
