/** `pointsman override`: keys, tokens, and what is said of those that are no good. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { overrideCommand } from "../../daemon/cli/override.ts";
import { signToken } from "../../daemon/shared/overrides/override-token.ts";
import { claimsOf, confusedToken, signingKey } from "../kit/override-tokens.ts";
import { tempDir } from "../kit/temp-dir.ts";

const folder = tempDir();
after(() => folder[Symbol.dispose]());
const file = (name: string): string => path.join(folder.path, name);

async function run(
  args: readonly string[],
  stdin = "",
): Promise<{ status: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const status = await overrideCommand(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readStdin: async () => stdin,
  });
  return { status, out, err };
}

const refused = async (args: readonly string[], why: RegExp): Promise<void> => {
  const { status, out, err } = await run(args);
  assert.notEqual(status, 0);
  assert.equal(out, "");
  assert.match(err, why);
};

const made = await run(["keygen", "--kid", "ada-1", "--out", file("ada.pem")]);
writeFileSync(file("keys.pem"), made.out);
const signing = ["sign", "--key", file("ada.pem"), "--audience", "edge"];
const checking = ["verify", "--keys", file("keys.pem"), "--audience", "edge"];
const dtab = "/svc/web => /host/v2 | /host/v1";

test("keygen keeps the private half to its owner, and never overwrites one", async () => {
  assert.equal(made.status, 0);
  assert.match(made.out, /^kid: ada-1\n-----BEGIN PUBLIC KEY-----\n[^-]*-----END PUBLIC KEY-----\n$/);
  assert.equal(statSync(file("ada.pem")).mode & 0o777, 0o600);
  assert.match(readFileSync(file("ada.pem"), "utf8"), /^kid: ada-1\n-----BEGIN PRIVATE KEY-----/);
  await refused(["keygen", "--out", file("ada.pem")], /ada\.pem is there already/);
  await refused(["keygen"], /--out is missing/);
  await refused(["keygen", "--out", file("x.pem"), "--kid", "a b"], /--kid wants/);
  await refused(["keygen", "--out", file("none/x.pem")], /cannot be written: ENOENT/);
});

test("what is signed for a dtab allows that dtab and no more", async () => {
  const { out } = await run([...signing, "--dtab", dtab, "--subject", "ada", "--id", "try-1"]);
  const told = await run([...checking, "--dtab", dtab, out.trim()]);
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /^id +try-1\nkey +ada-1\nsubject +ada\naudience +edge\n/);
  assert.match(told.out, /prefixes +\/svc\/web\ntargets +\/host\/v2 \/host\/v1\ngood\n$/);
  const more = await run([...checking, "--dtab", "/svc/web => /host/v3", "-"], out);
  assert.equal(more.status, 1);
  assert.match(
    more.err,
    /ignored \(scope\): it does not allow the dtab: \/host\/v3 is below no allowed target/,
  );
});

test("both headers come as curl takes them", async () => {
  const { out } = await run([...signing, "--dtab", dtab, "--headers"]);
  assert.match(
    out,
    /^l5d-dtab: \/svc\/web=>\/host\/v2 \| \/host\/v1\nl5d-dtab-token: [\w-]+\.[\w-]+\.[\w-]+\n$/,
  );
});

test("sign says what it lacks, and makes no token that would not do", async () => {
  await refused(["sign"], /--key is missing/);
  await refused(["sign", "--key", file("ada.pem")], /--audience is missing/);
  await refused(["sign", "--key", file("no.pem"), "--audience", "a"], /no\.pem cannot be read: ENOENT/);
  await refused(["sign", "--key", file("keys.pem"), "--audience", "a"], /holds no private key/);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(file("ec.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
  await refused(["sign", "--key", file("ec.pem"), "--audience", "a"], /of the type ec; only ed25519/);
  await refused(signing, /what may be overridden\?/);
  await refused([...signing, "--prefix", "/svc"], /where may it lead\?/);
  await refused([...signing, "--dtab", "/svc => !"], /where may it lead\?/);
  await refused([...signing, "--dtab", ""], /--dtab holds no rule/);
  await refused([...signing, "--dtab", "/svc => "], /1:9: .*expected/);
  await refused([...signing, "--prefix", "svc", "--target", "/a"], /1:1: '\/' expected/);
  await refused([...signing, "--prefix", "/svc", "--target", "/a/*"], /1:4: /);
  await refused(
    [...signing, "--dtab", dtab, "--prefix", "/svc/shop"],
    /not allow its own dtab: \/svc\/web is below/,
  );
  await refused([...signing, "--prefix", "/svc", "--target", "/a", "--headers"], /--headers needs --dtab/);
  await refused([...signing, "--dtab", dtab, "--ttl", "1h"], /--ttl wants whole seconds, not "1h"/);
  await refused([...signing, "--dtab", dtab, "--id", "a b"], /--id wants/);
  await refused(
    [...signing, "--target", "/a", "--prefix", `/${"a".repeat(3000)}`],
    /of which servers read 2048/,
  );
});

test("verify says why a server would ignore a token", async () => {
  const key = signingKey("ada-1");
  writeFileSync(file("other.pem"), key.publicPem);
  const now = Date.now();
  const claims = claimsOf(now);
  const ignored = async (token: string, why: RegExp, ...more: readonly string[]): Promise<void> => {
    const { status, err } = await run([...checking, ...more, token]);
    assert.equal(status, 1);
    assert.match(err, why);
  };
  const own = ["--keys", file("other.pem")];
  await ignored(signToken(claims, key.kid, key.privateKey), /ignored \(forged\): the signature/);
  await ignored(confusedToken(claims, key), /ignored \(algorithm\)/, ...own);
  await ignored(
    signToken(claims, "b", key.privateKey),
    /\(unknown_key\): no key has its id: there are ada-1/,
    ...own,
  );
  const late = claimsOf(now, { iat: now / 1000 - 60, exp: now / 1000 - 1 });
  await ignored(signToken(late, key.kid, key.privateKey), /\(expired\)/, ...own);
  await ignored(signToken(claims, key.kid, key.privateKey), /\(issuer\)/, ...own, "--issuer", "ops");
  await ignored(signToken(claims, key.kid, key.privateKey), /\(lifetime\)/, ...own, "--max-lifetime", "60");
  await ignored("", /TOKEN is missing/);
  await ignored("nonsense", /\(malformed\)/);
  await refused(
    ["verify", "--keys", file("ada.pem"), "--audience", "edge", "x"],
    /ada\.pem: it holds a private key/,
  );
});

test("help is given, and a wrong word is told", async () => {
  for (const args of [["--help"], ["sign", "--help"], ["-h"]]) {
    const { status, out } = await run(args);
    assert.equal(status, 0);
    assert.match(out, /^Usage: pointsman override keygen/);
  }
  assert.equal((await run([])).status, 2);
  const { status, err } = await run(["sing"]);
  assert.equal(status, 2);
  assert.match(err, /unknown command sing/);
});
