/** `dns` and `io.l5d.dnssrv`: on a name server of their own, and on a clock that the test moves. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type Addr, type Bound, NameTree, Path } from "../../dtab/index.ts";
import { createDnsNamer } from "../../namers/dns.ts";
import { createDnsSrvNamer } from "../../namers/dns-srv.ts";
import { type DnsOutcome, type DnsQueries, dnsQueries } from "../../namers/lib/dns-query.ts";
import type { Namer } from "../../plugins/contract.ts";
import { fakeClock, realClock } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { fakeDns } from "../kit/fake-dns.ts";
import { addressesOf, leafOf, observe, testNamer } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";

const srvConfig = { refreshIntervalSeconds: 5, dnsHosts: [], staleAfterSeconds: 60 };
const dnsConfig = { dnsHosts: [], minIntervalSeconds: 5, maxIntervalSeconds: 60, staleAfterSeconds: 60 };

const server = await fakeDns();
after(() => server.close());

const real = (kind: string) => ({ ...pluginContext(), clock: realClock, prefix: Path.read(`/#/${kind}`) });
const running = (namer: Namer) => (namer.state!() as { watched: number }).watched > 0;

testNamer("io.l5d.dnssrv", () => {
  server.fault = undefined;
  const a = (address: string) => [{ type: "A", address, ttl: 1 } as const];
  const srv = (target: string, port: number) => ({ type: "SRV", target, port, ttl: 1 }) as const;
  server.zone.set("a.test", a("10.0.0.1")).set("b.test", a("10.0.0.2"));
  server.zone.set("_web._tcp.test", [srv("a.test", 80)]);
  const config = { ...srvConfig, refreshIntervalSeconds: 1, dnsHosts: [`127.0.0.1:${server.port}`] };
  const namer = createDnsSrvNamer(config, real("io.l5d.dnssrv"));
  return {
    namer,
    known: Path.read("/_web._tcp.test"),
    unknown: Path.read("/_no._tcp.test"),
    leadsTo: "/#/io.l5d.dnssrv/_web._tcp.test",
    discovery: {
      update() {
        server.zone.set("_web._tcp.test", [srv("a.test", 81), srv("b.test", 82)]);
        return ["10.0.0.1:81", "10.0.0.2:82"];
      },
      fail() {
        server.fault = "SERVFAIL";
      },
      running: () => running(namer),
    },
    dispose() {},
  };
});

testNamer("dns", () => {
  server.fault = undefined;
  server.zone.set("web.test", [{ type: "A", address: "10.0.0.1", ttl: 1 }]);
  const config = { ...dnsConfig, minIntervalSeconds: 1, dnsHosts: [`localhost:${server.port}`] };
  const namer = createDnsNamer(config, real("dns"));
  return {
    namer,
    known: Path.read("/web.test/80"),
    unknown: Path.read("/nope.test/80"),
    leadsTo: "/#/dns/web.test/80",
    discovery: {
      update() {
        server.zone.set("web.test", [
          { type: "A", address: "10.0.0.2", ttl: 1 },
          { type: "AAAA", address: "fd00:0:0:0:0:0:0:1", ttl: 1 },
        ]);
        return ["10.0.0.2:80", "fd00::1:80"];
      },
      fail() {
        server.fault = "SERVFAIL";
      },
      running: () => running(namer),
    },
    dispose() {},
  };
});

test("what is no host, no port or an address of its own is Neg, and nobody is asked", async () => {
  server.fault = undefined;
  const before = server.questions.length;
  const namer = createDnsNamer({ ...dnsConfig, dnsHosts: [`127.0.0.1:${server.port}`] }, real("dns"));
  for (const path of [
    "/web.test",
    "/web.test/http",
    "/web.test/0",
    "/web.test/65536",
    "/10.0.0.1/80",
    "/a..b/80",
  ]) {
    const watch = observe(namer.lookup(Path.read(path)).states);
    assert.deepEqual(watch.last(), { tag: "ok", value: NameTree.neg }, path);
    watch.close();
  }
  assert.equal(server.questions.length, before);
});

/** Name servers that the test writes, on a clock that it moves. */
function scripted() {
  const clock = fakeClock();
  const asked: string[] = [];
  const zone = new Map<string, DnsOutcome<never> | { tag: "found"; records: readonly unknown[] }>();
  const ask = (type: string) => async (name: string) => {
    asked.push(`${type} ${name}`);
    return (zone.get(`${type} ${name}`) ?? { tag: "absent" }) as DnsOutcome<never>;
  };
  const queries: DnsQueries = { srv: ask("SRV"), a: ask("A"), aaaa: ask("AAAA") };
  const ctx = { ...pluginContext(), clock, prefix: Path.read("/#/x") };
  const found = (...records: readonly unknown[]) => ({ tag: "found", records }) as const;
  const a = (address: string, ttl: number) => ({ address, ttl });
  return { clock, asked, zone, queries, ctx, found, a };
}

const failed = { tag: "failed", error: new Error("SERVFAIL") } as const;

/** A name that stays observed, with its addresses. */
function follow(namer: Namer, path: string) {
  const tree = observe(namer.lookup(Path.read(path)).states);
  let addr: ReturnType<typeof observe<Addr>> | undefined;
  return {
    state: () => tree.last(),
    addresses(): string[] {
      addr ??= observe((leafOf(tree.last()) as Bound).addr);
      return addressesOf(addr.last());
    },
    close() {
      addr?.close();
      tree.close();
    },
  };
}

test("a host is asked for again when its time to live is over, within limits, and once for all its ports", async () => {
  const { clock, asked, zone, queries, ctx, found, a } = scripted();
  const namer = createDnsNamer(dnsConfig, ctx, queries);
  const rounds = () => asked.filter((each) => each === "A web.test").length;
  zone.set("A web.test", found(a("10.0.0.1", 30), a("10.0.0.2", 300)));
  const both = [follow(namer, "/web.test/80"), follow(namer, "/web.test/81")];
  await clock.advance(0);
  assert.deepEqual(
    both.flatMap((each) => each.addresses()),
    ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.1:81", "10.0.0.2:81"],
  );
  await clock.advance(29_000);
  assert.equal(rounds(), 1);
  zone.set("A web.test", found(a("10.0.0.3", 0)));
  await clock.advance(1_000);
  assert.equal(rounds(), 2);
  assert.deepEqual(both[0]!.addresses(), ["10.0.0.3:80"]);
  zone.set("A web.test", found(a("10.0.0.3", 86_400)));
  await clock.advance(5_000);
  assert.equal(rounds(), 3, "never more often than every five seconds");
  await clock.advance(60_000);
  assert.equal(rounds(), 4, "never less often than every minute");
  for (const each of both) each.close();
});

test("a failure of one half keeps what that half had said, and a real no takes it away", async () => {
  const { clock, zone, queries, ctx, found, a } = scripted();
  const web = follow(createDnsNamer(dnsConfig, ctx, queries), "/web.test/80");
  zone.set("A web.test", found(a("10.0.0.1", 5)));
  zone.set("AAAA web.test", found(a("fd00::1", 5)));
  await clock.advance(0);
  assert.deepEqual(web.addresses(), ["10.0.0.1:80", "fd00::1:80"]);
  zone.set("AAAA web.test", failed);
  zone.set("A web.test", found(a("10.0.0.2", 5)));
  await clock.advance(5_000);
  assert.deepEqual(web.addresses(), ["10.0.0.2:80", "fd00::1:80"]);
  zone.set("A web.test", failed);
  await clock.advance(120_000);
  assert.deepEqual(web.addresses(), ["10.0.0.2:80", "fd00::1:80"]);
  zone.delete("A web.test");
  zone.delete("AAAA web.test");
  await clock.advance(10_000);
  assert.deepEqual(web.state(), { tag: "ok", value: NameTree.neg });
  web.close();
});

test("a host that could not be asked for yet is a failure that tells why, not a name that is absent", async () => {
  const { clock, zone, queries, ctx, found, a } = scripted();
  zone.set("A web.test", failed);
  const web = follow(createDnsNamer(dnsConfig, ctx, queries), "/web.test/80");
  await clock.advance(0);
  const state = web.state();
  assert.ok(state.tag === "failed");
  assert.match(state.error.message, /name servers: SERVFAIL/);
  zone.set("A web.test", found(a("10.0.0.1", 5)));
  await clock.advance(10_000);
  assert.deepEqual(web.addresses(), ["10.0.0.1:80"]);
  web.close();
});

test("a target that cannot be resolved now keeps its address, and does not hold back the others", async () => {
  const { clock, zone, queries, ctx, found, a } = scripted();
  const web = follow(createDnsSrvNamer(srvConfig, ctx, queries), "/_web._tcp.test");
  zone.set("SRV _web._tcp.test", found({ name: "a.test", port: 80 }, { name: "b.test", port: 80 }));
  zone.set("A a.test", found(a("10.0.0.1", 5)));
  zone.set("A b.test", found(a("10.0.0.2", 5)));
  await clock.advance(0);
  assert.deepEqual(web.addresses(), ["10.0.0.1:80", "10.0.0.2:80"]);
  zone.set("A a.test", failed);
  zone.set("AAAA a.test", failed);
  zone.set("A b.test", found(a("10.0.0.3", 5)));
  await clock.advance(5_000);
  assert.deepEqual(web.addresses(), ["10.0.0.1:80", "10.0.0.3:80"]);
  zone.set("SRV _web._tcp.test", failed);
  await clock.advance(60_000);
  assert.deepEqual(web.addresses(), ["10.0.0.1:80", "10.0.0.3:80"]);
  zone.delete("SRV _web._tcp.test");
  await clock.advance(15_000);
  assert.deepEqual(web.state(), { tag: "ok", value: NameTree.neg });
  web.close();
});

test("a target whose addresses rotate keeps the one it has", async () => {
  const { clock, zone, queries, ctx, found, a } = scripted();
  const web = follow(createDnsSrvNamer(srvConfig, ctx, queries), "/_web._tcp.test");
  zone.set("SRV _web._tcp.test", found({ name: "a.test", port: 80 }));
  zone.set("A a.test", found(a("10.0.0.1", 5), a("10.0.0.2", 5)));
  await clock.advance(0);
  zone.set("A a.test", found(a("10.0.0.2", 5), a("10.0.0.1", 5)));
  await clock.advance(6_000);
  assert.deepEqual(web.addresses(), ["10.0.0.1:80"]);
  web.close();
});

test("name servers that cannot be found are a failure, and looked for again", async () => {
  const queries = dnsQueries(["no-such-host.invalid"]);
  const outcome = await queries.a("web.test");
  assert.equal(outcome.tag, "failed");
  await eventually(async () => assert.equal((await queries.srv("web.test")).tag, "failed"));
});
