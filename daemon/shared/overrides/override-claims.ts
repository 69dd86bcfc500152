/**
 * What a token under an override says: who may override which names to where, and for how long. It is a JWT (RFC 7519)
 * with two claims of its own, `prefixes` and `targets`.
 */
import { type Dtab, NameTree, Path, Prefix } from "../../../dtab/index.ts";
import { idPattern } from "./override-keys.ts";

/** The header that carries the token beside `l5d-dtab`. */
export const tokenHeader = "l5d-dtab-token";

/** Names the purpose of the token, so that one made for another purpose never passes (RFC 8725 §3.11). */
export const tokenType = "l5d-override+jwt";

/** The claims of a token, times in seconds since the epoch. */
export interface OverrideClaims {
  /** The override's id, for logs (`jti`). */
  readonly id: string;
  /** For whom it was made (`sub`). */
  readonly subject: string | undefined;
  readonly issuer: string | undefined;
  readonly audiences: readonly string[];
  readonly issuedAt: number;
  /** `nbf`, or else `iat`. */
  readonly notBefore: number;
  readonly expires: number;
  /** Left sides that rules may have, or be below. */
  readonly prefixes: readonly Prefix[];
  /** Where rules may lead, or below. */
  readonly targets: readonly Path[];
}

/** Reads the claims of a payload; undefined if one that is needed is missing, or of another kind. */
export function readClaims(payload: unknown): OverrideClaims | undefined {
  if (typeof payload !== "object" || payload === null) return undefined;
  const { jti, sub, iss, aud, iat, nbf = iat, exp, prefixes, targets } = payload as Record<string, unknown>;
  const audiences = typeof aud === "string" ? [aud] : aud;
  const whole =
    typeof jti === "string" &&
    idPattern.test(jti) &&
    (sub === undefined || (typeof sub === "string" && idPattern.test(sub))) &&
    (iss === undefined || typeof iss === "string") &&
    isTexts(audiences) &&
    [iat, nbf, exp].every((time) => Number.isFinite(time)) &&
    isTexts(prefixes) &&
    isTexts(targets);
  if (!whole) return undefined;
  try {
    return {
      ...{ id: jti, subject: sub as string | undefined, issuer: iss as string | undefined, audiences },
      ...{
        issuedAt: iat as number,
        notBefore: Math.max(iat as number, nbf as number),
        expires: exp as number,
      },
      prefixes: prefixes.map((text) => Prefix.read(text)),
      targets: targets.map((text) => Path.read(text)),
    };
  } catch {
    return undefined;
  }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string");

/** The first rule of a dtab that a token does not allow, and why; undefined if all are allowed. */
export function outOfScope(
  dtab: Dtab,
  { prefixes, targets }: Pick<OverrideClaims, "prefixes" | "targets">,
): string | undefined {
  for (const { prefix, dst } of dtab.dentries) {
    if (!prefixes.some((allowed) => covers(allowed, prefix)))
      return `${prefix.show()} is below no allowed prefix`;
    const strange = NameTree.leaves(dst).find((leaf) => !targets.some((allowed) => leaf.startsWith(allowed)));
    if (strange !== undefined) return `${strange.show()} is below no allowed target`;
  }
  return undefined;
}

// Whatever matches `prefix` begins with a name that `allowed` matches.
const covers = (allowed: Prefix, prefix: Prefix): boolean =>
  allowed.size <= prefix.size &&
  allowed.elements.every((element, at) => {
    if (element.tag === "any") return true;
    const own = prefix.elements[at]!;
    return own.tag === "label" && own.label === element.label;
  });
