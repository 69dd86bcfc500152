/** SPIFFE ids, `spiffe://trust-domain/path`: what a certificate's only URI may be, and patterns of them. */

const domain = /^spiffe:\/\/[a-z0-9._-]{1,255}(?=\/|$)/;
const segment = /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/;
const maxLength = 2048;

/** Why a text is no SPIFFE id; undefined if it is one. */
export function spiffeFault(text: string): string | undefined {
  if (text.length > maxLength) return `it is longer than ${maxLength} characters`;
  const head = domain.exec(text)?.[0];
  if (head === undefined) return "it does not begin with spiffe:// and a trust domain in lower case";
  if (head.length === text.length) return undefined;
  const wrong = text
    .slice(head.length + 1)
    .split("/")
    .find((part) => !segment.test(part));
  if (wrong === undefined) return undefined;
  return wrong === ""
    ? "it has an empty segment"
    : `a segment holds letters, digits, dots, dashes and underscores only, not ${JSON.stringify(wrong)}`;
}

/** Why a text is no pattern of SPIFFE ids; undefined if it is one: an id, or one with `*` as its last segment. */
export function spiffePatternFault(text: string): string | undefined {
  const below = belowOf(text);
  if (below === undefined && text.includes("*")) return "`*` may only be the last segment";
  return spiffeFault(below === undefined ? text : below.slice(0, -1));
}

/** Whether an id is one of those that a pattern stands for: the very same, or, with `*`, anything below. */
export function matchesSpiffe(pattern: string, id: string): boolean {
  const below = belowOf(pattern);
  return below === undefined ? id === pattern : id.length > below.length && id.startsWith(below);
}

// `spiffe://td/a/` of `spiffe://td/a/*`.
const belowOf = (pattern: string): string | undefined =>
  pattern.endsWith("/*") ? pattern.slice(0, -1) : undefined;
