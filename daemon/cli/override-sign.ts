/** `pointsman override sign`: a token that allows an override. */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { type Dtab, DtabSyntaxError, NameTree, Prefix } from "../../dtab/index.ts";
import { outOfScope, tokenHeader } from "../shared/overrides/override-claims.ts";
import { idPattern, kidBefore, overrideKeyOf } from "../shared/overrides/override-keys.ts";
import { maxTokenChars, signToken } from "../shared/overrides/override-token.ts";
import { DtabInputError, readPath, showSyntaxError } from "./dtab-input.ts";
import { type CliIo, exitCodes } from "./io.ts";
import { dtabOf, OverrideInputError, reading, readText, required, seconds } from "./override-input.ts";

/** Runs it. */
export async function sign(args: readonly string[], io: CliIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{
        key: { type: "string" },
        kid: { type: "string" },
        id: { type: "string" },
        dtab: { type: "string" },
      },
      ...{ audience: { type: "string" }, issuer: { type: "string" }, subject: { type: "string" } },
      ...{ prefix: { type: "string", multiple: true }, target: { type: "string", multiple: true } },
      ttl: { type: "string", default: "900" },
      headers: { type: "boolean", default: false },
    },
  });
  const { key, kid } = privateKeyOf(
    required(values.key, "--key", "the private key to sign with"),
    values.kid,
  );
  const audience = required(values.audience, "--audience", "what the server has as signedOverrides.audience");
  for (const [option, id] of [
    ["--id", values.id],
    ["--subject", values.subject],
  ] as const) {
    if (id !== undefined && !idPattern.test(id))
      throw new OverrideInputError(`${option} wants up to 128 printable characters, without blanks`);
  }
  const dtab = values.dtab === undefined ? undefined : await dtabOf(values.dtab, io);
  if (values.headers && dtab === undefined)
    throw new OverrideInputError("--headers needs --dtab, to write l5d-dtab too");
  const scope = await scopeOf(dtab, values.prefix ?? [], values.target ?? []);
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    jti: values.id ?? randomBytes(9).toString("base64url"),
    ...{ sub: values.subject, iss: values.issuer, aud: audience },
    ...{ iat, exp: iat + seconds(values.ttl, "--ttl") },
    ...scope,
  };
  const token = signToken(claims, kid, key);
  if (token.length > maxTokenChars)
    throw new OverrideInputError(
      `the token would have ${token.length} characters, of which servers read ${maxTokenChars}; allow fewer names`,
    );
  io.out(values.headers ? `l5d-dtab: ${dtab!.showExact()}\n${tokenHeader}: ${token}\n` : `${token}\n`);
  return exitCodes.ok;
}

/** The names that a token allows: those that were given, or else exactly those of the dtab. */
async function scopeOf(
  dtab: Dtab | undefined,
  prefixTexts: readonly string[],
  targetTexts: readonly string[],
): Promise<{ readonly prefixes: readonly string[]; readonly targets: readonly string[] }> {
  const prefixes = await reading(() => prefixTexts.map(readPrefix));
  const targets = await reading(() => targetTexts.map(readPath));
  for (const { prefix, dst } of dtab?.dentries ?? []) {
    if (prefixTexts.length === 0) prefixes.push(prefix);
    if (targetTexts.length === 0) targets.push(...NameTree.leaves(dst));
  }
  if (prefixes.length === 0) throw new OverrideInputError("what may be overridden? Give --dtab, or --prefix");
  if (targets.length === 0)
    throw new OverrideInputError("where may it lead? Give --target, or a --dtab that leads somewhere");
  const strange = dtab && outOfScope(dtab, { prefixes, targets });
  if (strange !== undefined)
    throw new OverrideInputError(`the token would not allow its own dtab: ${strange}`);
  const shown = (names: readonly { show(): string }[]): string[] => [
    ...new Set(names.map((name) => name.show())),
  ];
  return { prefixes: shown(prefixes), targets: shown(targets) };
}

function readPrefix(text: string): Prefix {
  try {
    return Prefix.read(text);
  } catch (error) {
    if (!(error instanceof DtabSyntaxError)) throw error;
    throw new DtabInputError(showSyntaxError(error, undefined));
  }
}

function privateKeyOf(
  file: string,
  kid: string | undefined,
): { readonly key: KeyObject; readonly kid: string } {
  const text = readText(file);
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (cause) {
    throw new OverrideInputError(`${file} holds no private key in PEM that can be read`, { cause });
  }
  if (key.asymmetricKeyType !== "ed25519")
    throw new OverrideInputError(
      `${file} holds a key of the type ${key.asymmetricKeyType}; only ed25519 signs overrides`,
    );
  const named = kid ?? kidBefore(text.slice(0, text.indexOf("-----BEGIN")));
  return { key, kid: overrideKeyOf(createPublicKey(key), named).kid };
}
