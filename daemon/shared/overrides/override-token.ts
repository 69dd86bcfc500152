/**
 * Tokens under overrides, signed and checked: compact JWS (RFC 7515) with Ed25519 (RFC 8037) and nothing else. The
 * algorithm is not the token's to choose: another one, or none, is refused before anything is computed.
 */
import { type KeyObject, sign, verify } from "node:crypto";
import { type OverrideClaims, readClaims, tokenType } from "./override-claims.ts";

/** Characters of a token; a longer one is not looked at. */
export const maxTokenChars = 2048;

/** How far the clock of whoever signs may be ahead of ours. */
export const leewaySecs = 30;

/** Why a token, or what it should have allowed, counts for nothing; also the name of its counter. */
export type OverrideRefusal =
  /** There is a dtab, and no token. */
  | "unsigned"
  /** There are several tokens, or there is one without a dtab. */
  | "malformed"
  | "oversized"
  /** Not Ed25519, or not made for this purpose. */
  | "algorithm"
  | "unknown_key"
  | "forged"
  | "expired"
  | "not_yet_valid"
  /** It was made for longer than `maxLifetimeSecs`. */
  | "lifetime"
  | "audience"
  | "issuer"
  /** The dtab cannot be read. */
  | "dtab"
  /** The dtab says more than the token allows. */
  | "scope"
  /** Too many forged ones came within this second. */
  | "busy";

/** Whose tokens count, besides their keys. */
export interface OverridePolicy {
  readonly audience: string;
  /** Absent: whoever has a key. */
  readonly issuer?: string | undefined;
  readonly maxLifetimeSecs: number;
}

/** A token that was read, its signature not looked at yet. */
export interface UncheckedToken {
  readonly kid: string;
  readonly claims: OverrideClaims;
  readonly signed: string;
  readonly signature: Buffer;
}

/** Reads a token and everything that can be judged without its signature and the clock. */
export function readToken(text: string, policy: OverridePolicy): UncheckedToken | OverrideRefusal {
  if (text.length > maxTokenChars) return "oversized";
  const found = /^([\w-]+)\.([\w-]+)\.([\w-]*)$/.exec(text);
  if (found === null) return "malformed";
  const [, head = "", body = "", end = ""] = found;
  const header = readJson(head);
  if (header === undefined) return "malformed";
  const { alg, typ, kid, crit } = header;
  // `EdDSA` has also curves that our keys are not of; with the key it is Ed25519 all the same.
  if ((alg !== "EdDSA" && alg !== "Ed25519") || typ !== tokenType || crit !== undefined) return "algorithm";
  const signature = Buffer.from(end, "base64url");
  // One signature has one text, so that a token cannot be varied without its key.
  const whole = signature.length === 64 && signature.toString("base64url") === end;
  if (typeof kid !== "string" || !whole) return "malformed";
  const claims = readClaims(readJson(body));
  if (claims === undefined) return "malformed";
  if (!claims.audiences.includes(policy.audience)) return "audience";
  if (policy.issuer !== undefined && claims.issuer !== policy.issuer) return "issuer";
  if (claims.expires - claims.issuedAt > policy.maxLifetimeSecs) return "lifetime";
  return { kid, claims, signed: text.slice(0, head.length + 1 + body.length), signature };
}

/** Whether the owner of a key signed it. */
export const isSigned = ({ signed, signature }: UncheckedToken, key: KeyObject): boolean =>
  verify(null, Buffer.from(signed, "latin1"), key, signature);

/** What the clock says of a token; undefined if it holds now. */
export function outOfTime(
  { notBefore, expires }: OverrideClaims,
  nowMs: number,
): "expired" | "not_yet_valid" | undefined {
  const now = nowMs / 1000;
  if (now >= expires) return "expired";
  return now < notBefore - leewaySecs ? "not_yet_valid" : undefined;
}

/** Makes a token of claims as they stand in it (`jti`, `exp`, …). */
export function signToken(claims: object, kid: string, key: KeyObject): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: "EdDSA", typ: tokenType, kid })}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed, "latin1"), key).toString("base64url")}`;
}

function readJson(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
