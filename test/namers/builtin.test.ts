/** The namers below `/$`, with a resolver and a clock in hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Addr, type Bound, namersLookup, Path } from "../../dtab/index.ts";
import { builtinNamers } from "../../namers/builtin/global.ts";
import { readIp } from "../../namers/lib/resolve.ts";
import { fakeClock, settle } from "../kit/clock.ts";
import { recordedLog } from "../kit/log.ts";
import { addressesOf, leafOf, observe } from "../kit/namer.ts";

/** The built-in namers with a resolver that does as it is told. */
function create() {
  const clock = fakeClock();
  const log = recordedLog();
  const dns: { asked: number; answer: () => string[] } = { asked: 0, answer: () => ["10.0.0.1"] };
  const namers = builtinNamers({ clock, log }, async () => {
    dns.asked++;
    return dns.answer();
  });
  const lookup = (path: string) => namersLookup(namers, Path.read(path)).sample();
  const watch = (path: string) => observe((leafOf(lookup(path)) as Bound).addr);
  return { clock, log, dns, lookup, watch };
}

const fail = (code: string) => (): never => {
  throw Object.assign(new Error(`getaddrinfo ${code}`), { code });
};

test("a host is resolved again every 5 s, and a failed refresh keeps its addresses", async () => {
  const { clock, log, dns, watch } = create();
  const addr = watch("/$/inet/web.test/80");
  assert.deepEqual(addr.last(), { tag: "pending" });
  await settle();
  assert.deepEqual(addressesOf(addr.last()), ["10.0.0.1:80"]);
  dns.answer = fail("EAI_AGAIN");
  await clock.advance(20_000);
  assert.equal(dns.asked, 5);
  assert.deepEqual(addressesOf(addr.last()), ["10.0.0.1:80"]);
  assert.equal(log.lines.length, 1, "one complaint per outage");
  dns.answer = () => ["10.0.0.2", "10.0.0.3"];
  await clock.advance(5_000);
  assert.deepEqual(addressesOf(addr.last()), ["10.0.0.2:80", "10.0.0.3:80"]);
  const told = addr.count();
  dns.answer = () => ["10.0.0.3", "10.0.0.2"];
  await clock.advance(5_000);
  assert.equal(addr.count(), told, "a rotated answer is no change");
  addr.close();
  await clock.advance(60_000);
  assert.equal(dns.asked, 7);
  assert.equal(clock.sleepers, 0);
});

test("a host that does not exist has no addresses until it does", async () => {
  const { clock, dns, watch } = create();
  dns.answer = fail("ENOTFOUND");
  const addr = watch("/$/io.buoyant.rinet/80/web.test");
  await settle();
  assert.deepEqual(addr.last(), { tag: "neg" });
  dns.answer = () => ["10.0.0.1"];
  await clock.advance(5_000);
  assert.deepEqual(addressesOf(addr.last()), ["10.0.0.1:80"]);
  dns.answer = fail("ENOTFOUND");
  await clock.advance(5_000);
  assert.deepEqual(addr.last(), { tag: "neg" });
  addr.close();
});

test("a resolver that fails at first is a failure that names the host", async () => {
  const { clock, dns, watch } = create();
  dns.answer = fail("EAI_AGAIN");
  const addr = watch("/$/inet/web.test/80");
  await settle();
  assert.deepEqual(addr.last(), { tag: "failed", message: "cannot resolve web.test: getaddrinfo EAI_AGAIN" });
  dns.answer = () => ["10.0.0.1"];
  await clock.advance(5_000);
  assert.deepEqual(addressesOf(addr.last()), ["10.0.0.1:80"]);
  addr.close();
});

test("fixedinet asks until it knows, and then no more", async () => {
  const { clock, dns, watch } = create();
  dns.answer = fail("EAI_AGAIN");
  const addr = watch("/$/fixedinet/web.test/80");
  await settle();
  dns.answer = () => ["10.0.0.1"];
  await clock.advance(60_000);
  assert.equal(dns.asked, 2);
  assert.deepEqual(addressesOf(addr.last()), ["10.0.0.1:80"]);
  addr.close();
});

test("IP addresses are not resolved", async () => {
  const { dns, watch } = create();
  const addresses = (path: string): string[] => addressesOf(watch(path).last() as Addr);
  assert.deepEqual(addresses("/$/inet/127.1/80"), ["127.0.0.1:80"]);
  assert.deepEqual(addresses("/$/inet/::1/80"), ["::1:80"]);
  assert.deepEqual(addresses("/$/inet/10.0.0.1/80"), ["10.0.0.1:80"]);
  assert.deepEqual(addresses("/$/inet/80"), ["127.0.0.1:80"]);
  assert.equal(dns.asked, 0);
});

test("short forms of IPv4 are read as ever, names are not", () => {
  assert.deepEqual(["127.1", "10.1.258", "1", "[::1]", "256.1", "1.2.3.4.5", "web", "0x7f.1"].map(readIp), [
    "127.0.0.1",
    "10.1.1.2",
    "0.0.0.1",
    "::1",
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("a port that cannot be is a failed lookup", () => {
  const { lookup } = create();
  for (const port of ["65536", "-1"]) {
    const state = lookup(`/$/inet/10.0.0.1/${port}`);
    assert.ok(state.tag === "failed" && state.error.message === `port out of range: ${port}`);
  }
});

test("an unknown namer is a failed lookup that names it", () => {
  const unknown = create().lookup("/$/no.such/x");
  assert.ok(unknown.tag === "failed");
  assert.equal(unknown.error.message, "Unknown namer: no.such for path: /$/no.such/x");
});
