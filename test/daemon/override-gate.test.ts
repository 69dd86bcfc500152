/** The gate for signed overrides: what passes, what is ignored under which name, and what a flood may cost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderList } from "../../daemon/data/header-list.ts";
import { OverrideGate } from "../../daemon/data/overrides/override-gate.ts";
import { OverrideKeyring } from "../../daemon/data/overrides/override-keyring.ts";
import { signToken } from "../../daemon/shared/overrides/override-token.ts";
import { fakeClock } from "../kit/clock.ts";
import { recordedMetrics } from "../kit/metrics.ts";
import {
  claimsOf,
  confusedToken,
  headerOf,
  nakedToken,
  signingKey,
  tokenWith,
} from "../kit/override-tokens.ts";

const start = Date.UTC(2026, 0, 1);
const key = signingKey("a");

function rig() {
  const clock = fakeClock(start);
  const metrics = recordedMetrics();
  const count = (name: string): number => metrics.value(`overrides/${name}`) ?? 0;
  const lines: string[] = [];
  const note = (message: string, fields?: object): void =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const keyring = new OverrideKeyring([key]);
  const gate = new OverrideGate({
    server: "127.0.0.1/1",
    policy: { audience: "edge", maxLifetimeSecs: 3600 },
    keyring,
    metrics,
    log: { debug: note, info: note, warn: note, error: note },
    clock,
  });
  const take = (
    token: string | readonly string[],
    dtab: string | readonly string[] = "/svc/web => /host/a",
  ) =>
    gate.take(
      new HeaderList([
        ...[dtab].flat().map((value) => ["L5d-Dtab", value] as const),
        ...[token].flat().map((value) => ["l5D-dtab-TOKEN", value] as const),
      ]),
    );
  return { clock, count, lines, keyring, gate, take };
}

const good = (other: object = {}): string => signToken(claimsOf(start, other), key.kid, key.privateKey);

test("a dtab with a token that allows it passes, is counted and told", () => {
  const { take, count, lines } = rig();
  const taken = take(good({ sub: "ada" }));
  assert.ok(taken.tag === "allowed");
  assert.equal(taken.id, "one");
  assert.equal(taken.local.text, "/svc/web=>/host/a");
  const several = take(good(), ["/svc/web => /host/a", "/svc/web => /host/b"]);
  assert.ok(several.tag === "allowed" && several.local.text === "/svc/web=>/host/a;/svc/web=>/host/b");
  assert.equal(count("accepted"), 2);
  assert.match(
    lines[0]!,
    /^an override is used .*"id":"one","subject":"ada","key":"a","dtab":"\/svc\/web=>\/host\/a"/,
  );
});

test("a request without either header costs nothing, and says nothing", () => {
  const { gate, count } = rig();
  assert.deepEqual(gate.take(new HeaderList([["l5d-ctx-dtab", "/svc => /x"]])), { tag: "none" });
  assert.equal(count("accepted") + count("refused/unsigned"), 0);
});

test("whatever else comes is ignored, and counted by its reason", () => {
  const { take, count, clock, lines } = rig();
  const stranger = signingKey("a");
  const cases: readonly (readonly [string, () => ReturnType<typeof take>])[] = [
    ["unsigned", () => take([])],
    ["malformed", () => take([good(), good()])],
    ["malformed", () => take(good(), [])],
    ["malformed", () => take("")],
    ["malformed", () => take(`Bearer ${good()}`)],
    ["oversized", () => take("a".repeat(2049))],
    ["algorithm", () => take(nakedToken(claimsOf(start), key))],
    ["algorithm", () => take(confusedToken(claimsOf(start), key))],
    ["unknown_key", () => take(signToken(claimsOf(start), "b", key.privateKey))],
    ["forged", () => take(tokenWith(headerOf(key), claimsOf(start), stranger.privateKey))],
    ["expired", () => take(good({ iat: start / 1000 - 100, exp: start / 1000 - 1 }))],
    ["not_yet_valid", () => take(good({ nbf: start / 1000 + 60 }))],
    ["lifetime", () => take(good({ exp: start / 1000 + 3601 }))],
    ["audience", () => take(good({ aud: "elsewhere" }))],
    ["dtab", () => take(good(), "/svc/web -> /host/a")],
    ["scope", () => take(good(), "/svc => /host/a")],
    ["scope", () => take(good(), ["/svc/web => /host/a", "/svc/web => /elsewhere"])],
  ];
  for (const [reason, run] of cases) {
    const before = count(`refused/${reason}`);
    assert.deepEqual(run(), { tag: "refused", reason });
    assert.deepEqual(run(), { tag: "refused", reason }, "and so it is when it is remembered");
    assert.equal(count(`refused/${reason}`), before + 2);
  }
  assert.equal(count("accepted"), 0);
  assert.equal(lines.filter((line) => line.startsWith("an override is ignored")).length, 20);
  assert.ok(clock.now() === start);
});

test("a token that is remembered still ends, and one of tomorrow holds tomorrow", async () => {
  const { take, clock } = rig();
  assert.equal(take(good()).tag, "allowed");
  const tomorrow = good({ iat: start / 1000 + 400, exp: start / 1000 + 1200 });
  assert.deepEqual(take(tomorrow), { tag: "refused", reason: "not_yet_valid" });
  await clock.advance(600_000);
  assert.deepEqual(take(good()), { tag: "refused", reason: "expired" });
  assert.equal(take(tomorrow).tag, "allowed");
});

test("keys that change hold at once, for tokens that are remembered too", () => {
  const { take, keyring } = rig();
  const next = signingKey("b");
  const token = good();
  const young = signToken(claimsOf(start), "b", next.privateKey);
  assert.equal(take(token).tag, "allowed");
  assert.deepEqual(take(young), { tag: "refused", reason: "unknown_key" });
  keyring.replace([key, next]);
  assert.equal(take(token).tag, "allowed");
  assert.equal(take(young).tag, "allowed");
  keyring.replace([next]);
  assert.deepEqual(take(token), { tag: "refused", reason: "unknown_key" });
  assert.equal(take(young).tag, "allowed");
});

test("a flood of forged tokens is looked at a hundred times a second, and displaces no good one", async () => {
  const { take, count, clock, lines } = rig();
  const stranger = signingKey("a");
  assert.equal(take(good()).tag, "allowed");
  for (let i = 0; i < 3000; i++)
    take(tokenWith(headerOf(key), claimsOf(start, { jti: `f${i}` }), stranger.privateKey));
  assert.equal(count("refused/forged"), 100);
  assert.equal(count("refused/busy"), 2900);
  assert.equal(take(good()).tag, "allowed", "it is remembered");
  assert.deepEqual(take(good({ jti: "new" })), { tag: "refused", reason: "busy" });
  await clock.advance(1000);
  assert.equal(take(good({ jti: "new" })).tag, "allowed");
  assert.ok(lines.length < 40, String(lines.length));
});
