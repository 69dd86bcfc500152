/** Public keys that signatures under overrides are checked with: a JWKS (RFC 7517, RFC 8037), or PEM with key ids. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { thumbprint } from "./thumbprint.ts";

/** One Ed25519 key. */
export interface OverrideKey {
  /** What tokens call it. */
  readonly kid: string;
  /** The key, base64url. */
  readonly x: string;
}

/** A key id, a token's id: printable, without blanks, short. */
export const idPattern: RegExp = /^[\x21-\x7e]{1,128}$/;

/** The keys of a file's text; throws an error that says what is wrong with it. */
export function readOverrideKeys(text: string): readonly OverrideKey[] {
  const keys = text.trimStart().startsWith("{") ? keysOfJwks(text) : keysOfPem(text);
  if (keys.length === 0) throw new Error("it holds no Ed25519 public key, neither as a JWKS nor in PEM");
  const kids = new Set<string>();
  for (const { kid } of keys) {
    if (!idPattern.test(kid))
      throw new Error(`${JSON.stringify(kid)} is no key id: up to 128 printable characters, without blanks`);
    if (kids.has(kid)) throw new Error(`two keys have the id ${JSON.stringify(kid)}`);
    kids.add(kid);
  }
  return keys;
}

/** A key as signatures are checked with it; throws if it is none. */
export const publicKeyOf = ({ x }: OverrideKey): KeyObject =>
  createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });

/** A public key under an id; by default its thumbprint. */
export function overrideKeyOf(key: KeyObject, kid?: string): OverrideKey {
  const { x = "" } = key.export({ format: "jwk" });
  return { kid: kid ?? thumbprint(x), x };
}

function keysOfJwks(text: string): OverrideKey[] {
  const { keys } = readJson(text) as { readonly keys?: unknown };
  if (!Array.isArray(keys)) throw new Error("it is JSON, but no JWKS: there is no list `keys`");
  // Keys for other purposes may stand beside ours (RFC 7517 §5).
  return (keys as readonly (Readonly<Record<string, unknown>> | null)[])
    .filter((key) => key?.["kty"] === "OKP" && key["crv"] === "Ed25519" && (key["use"] ?? "sig") === "sig")
    .map((key, index) => {
      const { kid, x, d } = key!;
      if (d !== undefined) throw new Error(privateKey);
      try {
        const read = publicKeyOf({ kid: "", x: String(x) });
        return overrideKeyOf(read, kid === undefined ? undefined : String(kid));
      } catch (cause) {
        throw new Error(`Ed25519 key ${index + 1} cannot be read: ${(cause as Error).message}`, { cause });
      }
    });
}

function readJson(text: string): object {
  try {
    return JSON.parse(text) as object;
  } catch (cause) {
    throw new Error(`it is not JSON: ${(cause as Error).message}`, { cause });
  }
}

// `kid: NAME` on a line before a block names the key in it.
function keysOfPem(text: string): OverrideKey[] {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) throw new Error(privateKey);
  // Every other part is a block, after the text before it.
  const parts = text.split(/(-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----)/);
  const keys: OverrideKey[] = [];
  for (let at = 1; at < parts.length; at += 2) {
    const key = readPem(parts[at]!, keys.length);
    if (key.asymmetricKeyType !== "ed25519")
      throw new Error(
        `key ${keys.length + 1} is of the type ${key.asymmetricKeyType}; only ed25519 signs overrides`,
      );
    keys.push(overrideKeyOf(key, kidBefore(parts[at - 1]!)));
  }
  return keys;
}

function readPem(pem: string, index: number): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw new Error(`key ${index + 1} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** The id that the text before a PEM block names. */
export const kidBefore = (text: string): string | undefined => /^kid:[ \t]*(.*?)[ \t\r]*$/m.exec(text)?.[1];

const privateKey = "it holds a private key, which belongs to whoever signs, and nowhere else";
