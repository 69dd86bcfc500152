/** The bounded caches of bindings. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type CacheEntry, IdleCache } from "../../daemon/data/idle-cache.ts";
import { noMetrics } from "./kit.ts";

class Entry implements CacheEntry {
  inUse = 0;
  usedAt: number;
  evicted = false;
  closed = 0;

  constructor(usedAt = 0, inUse = 0) {
    this.usedAt = usedAt;
    this.inUse = inUse;
  }

  close(): void {
    this.closed++;
  }
}

const cache = (t: { after(end: () => void): void }, capacity: number, ttlMs = 60_000): IdleCache<Entry> => {
  const made = new IdleCache<Entry>(capacity, ttlMs, noMetrics);
  t.after(() => made.close());
  return made;
};

test("what was added is found until it is evicted", (t) => {
  const entries = cache(t, 2);
  const a = entries.add("a", new Entry(1));
  assert.equal(entries.get("a"), a);
  assert.equal(entries.get("b"), undefined);
});

test("at capacity, what has been idle longest goes", (t) => {
  const entries = cache(t, 2);
  const a = entries.add("a", new Entry(2));
  const b = entries.add("b", new Entry(1));
  entries.add("c", new Entry(3));
  assert.deepEqual([a.evicted, b.evicted, b.closed], [false, true, 1]);
  assert.equal(entries.get("b"), undefined);
});

test("what is in use is not evicted, however old", (t) => {
  const entries = cache(t, 2);
  const a = entries.add("a", new Entry(1, 1));
  const b = entries.add("b", new Entry(2));
  entries.add("c", new Entry(3));
  assert.deepEqual([a.evicted, b.evicted], [false, true]);
});

test("with all in use, an entry lives for its uses and no longer", (t) => {
  const entries = cache(t, 1);
  entries.add("a", new Entry(1, 1));
  const once = entries.add("b", new Entry(2));
  once.inUse = 2;
  assert.equal(entries.get("b"), undefined);
  entries.release(once);
  assert.equal(once.closed, 0);
  entries.release(once);
  assert.equal(once.closed, 1);
});

test("what nobody uses for the time to live ends, and nothing else does", (t) => {
  mock.timers.enable({ apis: ["setInterval"] });
  t.after(() => mock.timers.reset());
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const entries = cache(t, 10, 1000);
  const idle = entries.add("idle", new Entry(0));
  const fresh = entries.add("fresh", new Entry(1500));
  const used = entries.add("used", new Entry(0, 1));
  now = 2000;
  mock.timers.tick(1000);
  assert.deepEqual([idle.closed, fresh.closed, used.closed], [1, 0, 0]);
});

test("closing ends what is idle at once, and what is in use after its use", () => {
  const entries = new IdleCache<Entry>(10, 1000, noMetrics);
  const idle = entries.add("idle", new Entry());
  const used = entries.add("used", new Entry(0, 1));
  entries.close();
  assert.deepEqual([idle.closed, used.closed], [1, 0]);
  entries.release(used);
  assert.equal(used.closed, 1);
});
