/** `pointsman override keygen`: a key pair for overrides. */
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { idPattern, overrideKeyOf } from "../shared/overrides/override-keys.ts";
import { type CliIo, exitCodes } from "./io.ts";
import { OverrideInputError, required } from "./override-input.ts";

/** Runs it. */
export function keygen(args: readonly string[], io: CliIo): number {
  const { values } = parseArgs({
    args: [...args],
    options: { out: { type: "string" }, kid: { type: "string" }, jwks: { type: "boolean", default: false } },
  });
  const out = required(values.out, "--out", "the file for the private key");
  if (values.kid !== undefined && !idPattern.test(values.kid))
    throw new OverrideInputError("--kid wants up to 128 printable characters, without blanks");
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { kid, x } = overrideKeyOf(publicKey, values.kid);
  const pem = `kid: ${kid}\n${privateKey.export({ type: "pkcs8", format: "pem" })}`;
  try {
    writeFileSync(out, pem, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "EEXIST" ? "is there already" : `cannot be written: ${code}`;
    throw new OverrideInputError(`${out} ${why}`, { cause });
  }
  const jwk = { kty: "OKP", crv: "Ed25519", use: "sig", alg: "EdDSA", kid, x };
  io.out(
    values.jwks
      ? `${JSON.stringify({ keys: [jwk] }, undefined, 2)}\n`
      : `kid: ${kid}\n${publicKey.export({ type: "spki", format: "pem" })}`,
  );
  return exitCodes.ok;
}
