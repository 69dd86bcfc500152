/** Tokens under overrides: what is read, what is refused and why, what a scope allows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { outOfScope, readClaims } from "../../daemon/shared/overrides/override-claims.ts";
import { publicKeyOf, readOverrideKeys } from "../../daemon/shared/overrides/override-keys.ts";
import {
  isSigned,
  leewaySecs,
  outOfTime,
  readToken,
  signToken,
} from "../../daemon/shared/overrides/override-token.ts";
import { Dtab } from "../../dtab/index.ts";
import {
  claimsOf,
  confusedToken,
  headerOf,
  nakedToken,
  signingKey,
  tokenWith,
} from "../kit/override-tokens.ts";
import { seededRandom } from "../kit/random.ts";

const now = Date.UTC(2026, 0, 1);
const key = signingKey("a-1");
const policy = { audience: "edge", maxLifetimeSecs: 3600 };
const read = (token: string, more: object = {}) => readToken(token, { ...policy, ...more });

test("a token is read back as it was signed", () => {
  const token = read(
    signToken(claimsOf(now, { sub: "ada", iss: "ops", nbf: now / 1000 + 5 }), key.kid, key.privateKey),
  );
  assert.ok(typeof token === "object");
  assert.equal(token.kid, "a-1");
  assert.equal(token.claims.id, "one");
  assert.equal(token.claims.subject, "ada");
  assert.equal(token.claims.notBefore, now / 1000 + 5);
  assert.ok(isSigned(token, publicKeyOf(key)));
  assert.ok(!isSigned(token, publicKeyOf(signingKey("a-1"))));
});

test("the algorithm is not the token's to choose", () => {
  const claims = claimsOf(now);
  assert.equal(read(nakedToken(claims, key)), "algorithm");
  assert.equal(read(confusedToken(claims, key)), "algorithm");
  assert.equal(read(confusedToken(claims, { ...key, publicPem: key.x })), "algorithm");
  const good = headerOf(key);
  for (const header of [
    ...["none", "None", "HS256", "HS512", "RS256", "ES256", "ES256K", "Ed448", "", 1, null, undefined].map(
      (alg) => ({ ...good, alg }),
    ),
    { ...good, typ: "JWT" },
    { ...good, typ: undefined },
    { ...good, crit: ["b64"], b64: false },
    [],
  ])
    assert.equal(read(tokenWith(header, claims, key.privateKey)), "algorithm", JSON.stringify(header));
  assert.ok(typeof read(tokenWith({ ...good, alg: "Ed25519" }, claims, key.privateKey)) === "object");
});

test("a header's own key counts for nothing", () => {
  const stranger = signingKey("a-1");
  const jwk = { kty: "OKP", crv: "Ed25519", x: stranger.x };
  const token = read(
    tokenWith(
      { ...headerOf(key), jwk, x5u: "https://a", jku: "https://b" },
      claimsOf(now),
      stranger.privateKey,
    ),
  );
  assert.ok(typeof token === "object");
  assert.ok(!isSigned(token, publicKeyOf(key)));
});

test("audience, issuer, lifetime and size are judged", () => {
  const made = (other: object): string => signToken(claimsOf(now, other), key.kid, key.privateKey);
  assert.equal(read(made({ aud: "other" })), "audience");
  assert.ok(typeof read(made({ aud: ["other", "edge"] })) === "object");
  assert.equal(read(made({}), { issuer: "ops" }), "issuer");
  assert.equal(read(made({ iss: "me" }), { issuer: "ops" }), "issuer");
  assert.ok(typeof read(made({ iss: "ops" }), { issuer: "ops" }) === "object");
  assert.equal(read(made({ exp: now / 1000 + 3601 })), "lifetime");
  assert.ok(typeof read(made({ exp: now / 1000 + 3600 })) === "object");
  assert.equal(read(made({ sub: "a".repeat(128), prefixes: [`/${"a".repeat(2000)}`] })), "oversized");
});

test("a claim that is missing or of another kind makes no token", () => {
  const whole = claimsOf(now);
  assert.ok(readClaims(whole));
  for (const claim of ["jti", "aud", "iat", "exp", "prefixes", "targets"])
    assert.equal(readClaims({ ...whole, [claim]: undefined }), undefined, claim);
  for (const other of [
    { jti: "" },
    { jti: "a b" },
    { jti: "a\nb" },
    { jti: "é" },
    { jti: "a".repeat(129) },
    { sub: "a\r\nb" },
    { iss: 1 },
    { aud: [] },
    { aud: [1] },
    { aud: {} },
    { iat: "1" },
    { exp: Infinity },
    { nbf: null },
    { prefixes: [] },
    { prefixes: "/a" },
    { prefixes: ["a"] },
    { prefixes: [["/a"]] },
    { targets: ["/a/*"] },
    { targets: ["/a => /b"] },
    { targets: [null] },
  ])
    assert.equal(readClaims({ ...whole, ...other }), undefined, JSON.stringify(other));
  for (const payload of [null, 1, "a", [], undefined]) assert.equal(readClaims(payload), undefined);
});

test("a token holds from its beginning, give or take a clock, until its end, and no later", () => {
  const claims = readClaims(claimsOf(now, { nbf: now / 1000 + 100 }))!;
  const at = (secs: number) => outOfTime(claims, now + secs * 1000);
  assert.equal(at(100 - leewaySecs - 1), "not_yet_valid");
  assert.equal(at(100 - leewaySecs), undefined);
  assert.equal(at(599), undefined);
  assert.equal(at(600), "expired");
  const early = readClaims(claimsOf(now, { nbf: 0 }))!;
  assert.equal(outOfTime(early, now - (leewaySecs + 1) * 1000), "not_yet_valid", "nbf does not antedate iat");
});

test("a token that is changed anywhere is not the one that was signed", () => {
  const token = signToken(claimsOf(now), key.kid, key.privateKey);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ";
  const random = seededRandom(11);
  for (let at = 0; at < token.length; at++) {
    const other = alphabet[Math.floor(random() * alphabet.length)]!;
    if (other === token[at]) continue;
    const found = read(token.slice(0, at) + other + token.slice(at + 1));
    assert.ok(typeof found === "string" || !isSigned(found, publicKeyOf(key)), `${at} ${other}`);
  }
  for (const more of ["=", ".", "A", " ", "\0", ".e30"])
    assert.equal(typeof read(token + more), "string", more);
});

test("whatever comes, reading it never throws", () => {
  const random = seededRandom(3);
  const parts = signToken(claimsOf(now), key.kid, key.privateKey).split(".");
  for (let i = 0; i < 3000; i++) {
    const bytes = Buffer.from(Array.from({ length: Math.floor(random() * 60) }, () => random() * 256));
    const mixed = [0, 1, 2]
      .map((at) => (random() < 0.5 ? parts[at]! : bytes.toString("base64url")))
      .join(".");
    assert.doesNotThrow(() => read(random() < 0.2 ? bytes.toString("latin1") : mixed));
  }
});

const scope = (prefixes: readonly string[], targets: readonly string[], dtab: string): boolean =>
  outOfScope(Dtab.read(dtab), readClaims(claimsOf(now, { prefixes, targets }))!) === undefined;

test("rules are in scope if both of their sides are at or below what is allowed", () => {
  assert.ok(scope(["/svc/web"], ["/host/a"], "/svc/web => /host/a"));
  assert.ok(scope(["/svc/web"], ["/host"], "/svc/web/x => /host/a/b | 2 * /host/c & /host/d | ! | ~ | $"));
  assert.ok(scope(["/svc/*/x"], ["/"], "/svc/web/x => /a; /svc/*/x/y => /b"));
  assert.ok(scope(["/"], ["/"], "/ => /a; /* => /b"));
  for (const [prefixes, targets, dtab] of [
    [["/svc/web"], ["/host"], "/svc => /host/a"],
    [["/svc/web"], ["/host"], "/svc/* => /host/a"],
    [["/svc/web"], ["/host"], "/svc/web2 => /host/a"],
    [["/svc/web"], ["/host"], "/ => /host/a"],
    [["/svc/web"], ["/host"], "/svc/web => /hosts"],
    [["/svc/web"], ["/host/a"], "/svc/web => /host"],
    [["/svc/web"], ["/host"], "/svc/web => /host/a | /other"],
    [["/svc/web"], ["/host"], "/svc/web => /host/a & 0 * /other"],
    [["/svc/web"], ["/host"], "/svc/web => /host/a; /svc/shop => /host/a"],
  ] as const)
    assert.ok(!scope(prefixes, targets, dtab), dtab);
});

test("what is in scope can only touch names that an allowed prefix matches, and lead below a target", () => {
  const random = seededRandom(5);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const name = (labels: readonly string[], most: number): string =>
    `/${Array.from({ length: Math.floor(random() * (most + 1)) }, () => pick(labels)).join("/")}`;
  let allowed = 0;
  for (let i = 0; i < 4000; i++) {
    const prefixes = [name(["a", "b", "*"], 2), name(["a", "b", "*"], 3)];
    const targets = [name(["x", "y"], 2), name(["x", "y"], 3)];
    const dtab = Dtab.read(`${name(["a", "b", "*"], 4)} => ${name(["x", "y"], 3)} | ${name(["x", "y"], 3)}`);
    const claims = readClaims(claimsOf(now, { prefixes, targets }))!;
    if (outOfScope(dtab, claims) !== undefined) continue;
    allowed++;
    const [rule] = dtab.dentries;
    for (let k = 0; k < 10; k++) {
      const path = Dtab.read(`${name(["a", "b"], 5)} => /x`).dentries[0]!.prefix;
      const logical = readClaims(claimsOf(now, { targets: [path.show()] }))!.targets[0]!;
      if (!rule!.prefix.matches(logical)) continue;
      assert.ok(
        claims.prefixes.some((prefix) => prefix.matches(logical)),
        `${prefixes} ${dtab.show()} ${logical}`,
      );
    }
  }
  assert.ok(allowed > 100, String(allowed));
});

test("keys are read from a JWKS and from PEM, with their ids", () => {
  const other = signingKey("b-2");
  assert.deepEqual(readOverrideKeys(key.publicPem + other.publicPem), [
    { kid: "a-1", x: key.x },
    { kid: "b-2", x: other.x },
  ]);
  const [nameless] = readOverrideKeys(key.publicPem.replace(/^kid.*\n/, ""));
  assert.match(nameless!.kid, /^[\w-]{43}$/);
  const jwk = { kty: "OKP", crv: "Ed25519", x: key.x };
  const rsa = { kty: "RSA", n: "AQAB", e: "AQAB", kid: "r" };
  const jwks = (...keys: object[]): string => JSON.stringify({ keys });
  assert.deepEqual(readOverrideKeys(jwks({ ...jwk, kid: "j", alg: "EdDSA" }, rsa)), [{ kid: "j", x: key.x }]);
  assert.deepEqual(readOverrideKeys(jwks(jwk)), [nameless]);
  // RFC 8037, appendix A.3.
  const [example] = readOverrideKeys(jwks({ ...jwk, x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }));
  assert.equal(example!.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
});

test("a file of keys that cannot be used says why", () => {
  const refused = (text: string, why: RegExp): void => assert.throws(() => readOverrideKeys(text), why);
  const jwk = { kty: "OKP", crv: "Ed25519", x: key.x };
  refused("", /holds no Ed25519 public key/);
  refused("{", /it is not JSON/);
  refused("{}", /no list `keys`/);
  refused(JSON.stringify({ keys: [] }), /holds no Ed25519 public key/);
  refused(JSON.stringify({ keys: [{ ...jwk, d: "AAAA" }] }), /private key/);
  refused(JSON.stringify({ keys: [{ ...jwk, x: "AAAA" }] }), /Ed25519 key 1 cannot be read/);
  refused(JSON.stringify({ keys: [{ ...jwk, kid: "a b" }] }), /"a b" is no key id/);
  refused(key.publicPem + key.publicPem, /two keys have the id "a-1"/);
  refused(String(key.privateKey.export({ type: "pkcs8", format: "pem" })), /private key/);
  refused("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", /key 1 cannot be read/);
});
