/** `pointsman override verify`: what a token allows, or why a server would ignore it. */
import { parseArgs } from "node:util";
import { type OverrideClaims, outOfScope } from "../shared/overrides/override-claims.ts";
import { type OverrideKey, publicKeyOf, readOverrideKeys } from "../shared/overrides/override-keys.ts";
import {
  isSigned,
  maxTokenChars,
  type OverrideRefusal,
  outOfTime,
  readToken,
} from "../shared/overrides/override-token.ts";
import { type CliIo, exitCodes } from "./io.ts";
import { dtabOf, OverrideInputError, readText, required, seconds } from "./override-input.ts";

/** Runs it. */
export async function verify(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      ...{ keys: { type: "string" }, audience: { type: "string" }, issuer: { type: "string" } },
      "max-lifetime": { type: "string", default: "3600" },
      dtab: { type: "string" },
    },
    allowPositionals: true,
  });
  const [argument, extra] = positionals;
  if (extra !== undefined) throw new OverrideInputError("there is more than one token");
  const given = required(argument, "TOKEN", "the token, or - for standard input");
  const policy = {
    audience: required(values.audience, "--audience", "what the server has as signedOverrides.audience"),
    issuer: values.issuer,
    maxLifetimeSecs: seconds(values["max-lifetime"], "--max-lifetime"),
  };
  const keys = keysOf(required(values.keys, "--keys", "the server's keysPath"));
  const dtab = values.dtab === undefined ? undefined : await dtabOf(values.dtab, io);
  const token = readToken((given === "-" ? await io.readStdin() : given).trim(), policy);
  if (typeof token === "string") return ignored(io, token);
  const { claims, kid } = token;
  io.out(describe(claims, kid));
  const key = keys.find((each) => each.kid === kid);
  if (key === undefined)
    return ignored(io, "unknown_key", `there are ${keys.map((each) => each.kid).join(", ")}`);
  if (!isSigned(token, publicKeyOf(key))) return ignored(io, "forged");
  const late = outOfTime(claims, Date.now());
  if (late !== undefined) return ignored(io, late);
  const strange = dtab && outOfScope(dtab, claims);
  if (strange !== undefined) return ignored(io, "scope", strange);
  io.out("good\n");
  return exitCodes.ok;
}

function keysOf(file: string): readonly OverrideKey[] {
  const text = readText(file);
  try {
    return readOverrideKeys(text);
  } catch (cause) {
    throw new OverrideInputError(`${file}: ${(cause as Error).message}`, { cause });
  }
}

function describe(claims: OverrideClaims, kid: string): string {
  const time = (secs: number): string =>
    Math.abs(secs) < 8.64e12 ? new Date(secs * 1000).toISOString() : String(secs);
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["id", claims.id],
    ["key", kid],
    ["subject", claims.subject],
    ["issuer", claims.issuer],
    ["audience", claims.audiences.join(", ")],
    ["from", time(claims.notBefore)],
    ["until", time(claims.expires)],
    ["prefixes", claims.prefixes.map((prefix) => prefix.show()).join(" ")],
    ["targets", claims.targets.map((path) => path.show()).join(" ")],
  ];
  return rows
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(9)} ${value}\n`)
    .join("");
}

function ignored(io: CliIo, reason: OverrideRefusal, more?: string): number {
  io.err(
    `pointsman override: ignored (${reason}): ${reasons[reason]}${more === undefined ? "" : `: ${more}`}\n`,
  );
  return exitCodes.failed;
}

const reasons: Readonly<Record<OverrideRefusal, string>> = {
  unsigned: "there is no token",
  malformed: "it is no token for an override, or lacks one of jti, aud, iat, exp, prefixes and targets",
  oversized: `it is longer than ${maxTokenChars} characters`,
  algorithm: "it is not signed with Ed25519 (alg EdDSA), or not made for an override (typ l5d-override+jwt)",
  unknown_key: "no key has its id",
  forged: "the signature is not that of the key",
  expired: "its time is over",
  not_yet_valid: "its time has not come",
  lifetime: "it was made for longer than the server allows",
  audience: "it is for another audience",
  issuer: "it is of another issuer",
  dtab: "the dtab cannot be read",
  scope: "it does not allow the dtab",
  busy: "too many forged tokens came within this second",
};
