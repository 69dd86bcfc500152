/** Keys and tokens of overrides for tests: good ones, and every kind of bad one. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { type OverrideKey, overrideKeyOf } from "../../daemon/shared/overrides/override-keys.ts";

/** A key pair with its id. */
export interface SigningKey extends OverrideKey {
  readonly privateKey: KeyObject;
  readonly publicPem: string;
}

/** A new one. */
export function signingKey(kid: string): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const pem = String(publicKey.export({ type: "spki", format: "pem" }));
  return { ...overrideKeyOf(publicKey, kid), privateKey, publicPem: `kid: ${kid}\n${pem}` };
}

/** Good claims, with what differs. */
export const claimsOf = (nowMs: number, other: object = {}): object => ({
  jti: "one",
  aud: "edge",
  iat: Math.floor(nowMs / 1000),
  exp: Math.floor(nowMs / 1000) + 600,
  prefixes: ["/svc/web"],
  targets: ["/host"],
  ...other,
});

const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString("base64url");

/** Any header over any claims, signed as Ed25519 signs. */
export function tokenWith(header: unknown, claims: unknown, key: KeyObject): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}`;
}

/** The header of a good token. */
export const headerOf = ({ kid }: OverrideKey): object => ({ alg: "EdDSA", typ: "l5d-override+jwt", kid });

/** Signed with the public key as if it were a secret. */
export function confusedToken(claims: unknown, key: SigningKey): string {
  const signed = `${encode({ ...headerOf(key), alg: "HS256" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", key.publicPem).update(signed).digest("base64url")}`;
}

/** Not signed at all. */
export const nakedToken = (claims: unknown, key: SigningKey): string =>
  `${encode({ ...headerOf(key), alg: "none" })}.${encode(claims)}.`;
