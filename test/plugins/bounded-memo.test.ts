/** The cache of what requests say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedMemo } from "../../plugins/lib/bounded-memo.ts";

test("a flood of different texts does not grow it beyond its capacity", () => {
  const memo = new BoundedMemo<number>(100);
  for (let n = 0; n < 10_000; n++) memo.add(`host-${n}`, () => n);
  assert.ok(memo.size <= 100, String(memo.size));
});

test("what is used again survives the flood", () => {
  const memo = new BoundedMemo<number>(100);
  memo.add("web", () => 1);
  for (let n = 0; n < 10_000; n++) {
    memo.add(`host-${n}`, () => n);
    if (n % 10 === 0) assert.equal(memo.get("web"), 1);
  }
});

test("what is not used is forgotten", () => {
  const memo = new BoundedMemo<number>(100);
  memo.add("web", () => 1);
  for (let n = 0; n < 100; n++) memo.add(`host-${n}`, () => n);
  assert.equal(memo.get("web"), undefined);
});

test("of long texts fewer are remembered, so that a flood of them takes no more room", () => {
  const memo = new BoundedMemo<number>(100);
  for (let n = 0; n < 1000; n++) memo.add("x".repeat(1000) + n, () => n);
  let chars = 0;
  for (const [text] of memo.entries()) chars += text.length;
  assert.ok(chars > 3200 && chars <= 6400 + 2 * 1003, String(chars));
});

test("very long texts are worked out each time", () => {
  const memo = new BoundedMemo<number>(100);
  assert.equal(
    memo.add("x".repeat(5000), (text) => text.length),
    5000,
  );
  assert.equal(memo.size, 0);
});

test("bytes above ASCII are kept as they are", () => {
  const memo = new BoundedMemo<string>(100);
  assert.equal(
    memo.add("caf\u00c3\u00a9", (text) => text),
    "caf\u00c3\u00a9",
  );
  assert.equal(memo.get("caf\u00c3\u00a9"), "caf\u00c3\u00a9");
});

test("texts of any alphabet are found again, each under itself", () => {
  const memo = new BoundedMemo<number>(100);
  for (const [n, text] of ["web", "münchen", "東京", "亜", "\u{1f682}", ""].entries()) {
    assert.equal(
      memo.add(text, (own) => (own === text ? n : -1)),
      n,
    );
    assert.equal(memo.get(text), n);
  }
});

test("what is forgotten on purpose is forgotten, even if it was the last", () => {
  const memo = new BoundedMemo<number>(100);
  memo.add("web", () => 1);
  assert.equal(memo.get("web"), 1);
  memo.delete("web");
  assert.equal(memo.get("web"), undefined);
});

test("values are told apart, whichever was asked for last", () => {
  const memo = new BoundedMemo<number>(8);
  for (let n = 0; n < 4; n++) memo.add(`host-${n}`, () => n);
  for (const n of [3, 3, 0, 0, 3, 1, 2, 2]) assert.equal(memo.get(`host-${n}`), n);
  assert.equal(memo.get("host-9"), undefined);
  assert.equal(memo.get("host-2"), 2);
});

test("texts are told apart by what stands beside them", () => {
  const memo = new BoundedMemo<string>(100);
  const join = (text: string, beside: string): string => `${beside} ${text}`;
  for (const method of ["GET", "POST"])
    assert.equal(memo.add("a-long-name.example.org", join, method), `${method} a-long-name.example.org`);
  assert.equal(memo.get("a-long-name.example.org", "POST"), "POST a-long-name.example.org");
  assert.equal(memo.get("a-long-name.example.org", "GET"), "GET a-long-name.example.org");
  assert.equal(memo.get("a-long-name.example.org"), undefined);
  assert.equal(memo.get("a-long-name.example.orgGET"), undefined);
  memo.delete("a-long-name.example.org", "GET");
  assert.equal(memo.get("a-long-name.example.org", "GET"), undefined);
  assert.equal(memo.get("a-long-name.example.org", "POST"), "POST a-long-name.example.org");
});

test("texts with one hash displace each other, and are never taken for each other", () => {
  const memo = new BoundedMemo<number>(100);
  // Two pairs of words that FNV-1a cannot tell apart.
  for (const [first, second] of [
    ["costarring", "liquid"],
    ["declinate", "macallums"],
  ] as const) {
    memo.add(first, () => 1);
    memo.add(second, () => 2);
    assert.equal(memo.get(second), 2);
    assert.equal(memo.get(first), undefined);
    memo.delete(first);
    assert.equal(memo.get(second), 2);
    memo.add(first, () => 1);
    assert.equal(memo.get(first), 1);
    assert.equal(memo.get(second), undefined);
  }
});
