/** Active health checks: what one check is, what many say together, and what they cost. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { AccrualState } from "../../daemon/data/client/accrual-state.ts";
import { DiscoveryTrust, type TrustMode } from "../../daemon/data/client/discovery-trust.ts";
import { Endpoint, type EndpointContext } from "../../daemon/data/client/endpoint.ts";
import { EndpointSet } from "../../daemon/data/client/endpoint-set.ts";
import { EndpointHealth } from "../../daemon/data/client/health/endpoint-health.ts";
import type { HealthCheckSettings } from "../../daemon/data/client/health/health-check-settings.ts";
import { HealthChecker } from "../../daemon/data/client/health/health-checker.ts";
import { probe } from "../../daemon/data/client/health/probe.ts";
import { Sweeper } from "../../daemon/data/sweeper.ts";
import { type Addr, Address, distrustedKey } from "../../dtab/index.ts";
import { eventually } from "../kit/eventually.ts";
import { recordedMetrics } from "../kit/metrics.ts";
import { seededRandom } from "../kit/random.ts";
import { endpoint } from "./data-rig.ts";

type Ends = { after(end: () => unknown): void };

const counter = { incr() {} };
const counters = { removals: counter, revivals: counter, probes: counter, removedForMs: counter };

/** What an endpoint needs of its client, as far as it is used here. */
const context = { nowMs: 0, stats: { opened() {}, closed() {} } } as unknown as EndpointContext;

const endpointAt = (port: number): Endpoint =>
  new Endpoint(
    Address.of("127.0.0.1", port),
    context,
    new AccrualState({ success() {}, failure: () => 1_000, revived() {} }, counters),
    undefined,
  );

// === One check ===

const check = (port: number, path?: string, timeoutMs = 2_000): Promise<string | undefined> =>
  new Promise((resolve) => {
    probe(Address.of("127.0.0.1", port), { path, host: undefined, timeoutMs }, undefined, resolve);
  });

test("a check by connection is good where somebody accepts, and fails where nobody does", async (t) => {
  const server = await endpoint(t, () => {});
  assert.equal(await check(server.port), undefined);
  server.close();
  assert.equal(await check(server.port), "ECONNREFUSED");
});

test("a check by path is good with 200 to 399, and tells what else came", async (t) => {
  let answer = "";
  const heads: string[] = [];
  const server = await endpoint(t, (socket: Socket) =>
    socket.on("data", (head) => {
      heads.push(head.toString());
      socket.write(answer);
    }),
  );
  for (const good of ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 204\r\n\r\n", "HTTP/1.1 399 Odd\r\n"]) {
    answer = good;
    assert.equal(await check(server.port, "/health"), undefined, good);
  }
  const [head] = heads;
  assert.equal(
    head,
    `GET /health HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nuser-agent: pointsman-health-check\r\nconnection: close\r\n\r\n`,
  );
  answer = "HTTP/1.1 503 No\r\n\r\n";
  assert.equal(await check(server.port, "/"), "it answered 503");
  for (const bad of ["SSH-2.0-OpenSSH\r\n", "x".repeat(2_000), "HTTP/2 200\r\n"]) {
    answer = bad;
    assert.equal(await check(server.port, "/"), "it does not answer in HTTP/1.1");
  }
});

test("a check that gets no answer in time, or none at all, has failed and leaves no connection", async (t) => {
  const server = await endpoint(t, (socket) => socket.resume());
  assert.equal(await check(server.port, "/", 50), "no answer within 50 ms");
  await eventually(() => assert.equal(server.sockets.size, 0));
  const closing = await endpoint(t, (socket) => socket.on("data", () => socket.end()));
  assert.equal(await check(closing.port, "/"), "the connection was closed without an answer");
});

// === Many checks ===

const thresholds = { healthyAfter: 2, unhealthyAfter: 3 };

test("three failures in a row make an endpoint unhealthy, and two passes in a row healthy again", () => {
  const health = new EndpointHealth("presumed", thresholds);
  for (const failure of ["x", "x", undefined, "x", "x"]) health.checked(failure);
  assert.equal(health.isUsable, true);
  assert.equal(health.checked("x"), true);
  assert.equal(health.phase, "unhealthy");
  for (const failure of [undefined, "x", undefined]) assert.equal(health.checked(failure), false);
  assert.equal(health.checked(undefined), true);
  assert.equal(health.isUsable, true);
});

test("a new endpoint is not used before it has passed a check, however often it fails before", () => {
  const health = new EndpointHealth("unproven", thresholds);
  health.checked("x");
  assert.equal(health.isUsable, false);
  health.checked(undefined);
  assert.equal(health.isUsable, true);
});

function checker(more: Partial<HealthCheckSettings> = {}) {
  const limit = { open: 0, most: 4 };
  const metrics = recordedMetrics();
  const sweeper = { add() {}, remove() {} } as unknown as Sweeper;
  const settings: HealthCheckSettings = {
    ...thresholds,
    path: undefined,
    host: undefined,
    intervalMs: 1_000,
    jitterPercent: 20,
    timeoutMs: 1_000,
    limit,
    random: seededRandom(3),
    ...more,
  };
  return { checker: new HealthChecker(settings, undefined, sweeper, metrics), limit, metrics };
}

test("no more checks are open than may be, and every endpoint gets its turn", async (t) => {
  let most = 0;
  const seen = new Set<number>();
  const servers = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      endpoint(t, (socket) => {
        seen.add(i);
        socket.on("data", () => setTimeout(() => socket.end("HTTP/1.1 200 OK\r\n\r\n"), 5));
      }),
    ),
  );
  const { checker: checks, limit, metrics } = checker({ path: "/" });
  const endpoints = servers.map(({ port }) => endpointAt(port));
  for (const each of endpoints) checks.add(each, false, 0);
  await eventually(() => {
    checks.sweep(0);
    most = Math.max(most, limit.open);
    assert.equal(seen.size, 12);
  });
  await eventually(() => assert.equal(limit.open, 0));
  assert.equal(most, 4);
  assert.equal(metrics.value("checks"), 12);
  for (const each of endpoints) assert.equal(each.health?.phase, "healthy");
  for (const each of endpoints) checks.remove(each);
});

test("checks of a first set are spread over the interval, later ones are due at once", () => {
  const { checker: checks, metrics, limit } = checker({ limit: { open: 0, most: 1_000 } });
  const first = Array.from({ length: 100 }, () => endpointAt(1));
  for (const each of first) checks.add(each, true, 0);
  checks.sweep(500);
  const half = metrics.value("checks")!;
  assert.ok(half > 30 && half < 70, `${half} in half of the interval`);
  const added = endpointAt(1);
  checks.add(added, false, 500);
  checks.sweep(500);
  assert.equal(metrics.value("checks"), half + 1);
  for (const each of [...first, added]) checks.remove(each);
  assert.equal(limit.open, 0);
});

test("an endpoint that goes takes its open check with it, and its place in the metrics", async (t) => {
  const server = await endpoint(t, () => {});
  const { checker: checks, limit, metrics } = checker({ path: "/", unhealthyAfter: 1, timeoutMs: 60_000 });
  const gone = endpointAt(server.port);
  checks.add(gone, false, 0);
  checks.sweep(0);
  assert.equal(limit.open, 1);
  checks.remove(gone);
  assert.equal(limit.open, 0);
  server.close();
  const bad = endpointAt(server.port);
  checks.add(bad, false, 0);
  await eventually(() => {
    checks.sweep(0);
    assert.equal(metrics.value("unhealthy"), 1);
  });
  checks.remove(bad);
  assert.equal(metrics.value("unhealthy"), 0);
});

// === The 2×2 rule ===

function set(t: Ends, mode: TrustMode, checked = false) {
  const sweeper = new Sweeper();
  const trust = new DiscoveryTrust(mode);
  let counts: readonly number[] = [];
  const { checker: checks } = checker();
  let current: readonly Endpoint[] = [];
  const made = new EndpointSet({
    create: (address) => endpointAt(address.port),
    changed: (endpoints) => void (current = endpoints),
    trust,
    checker: checked ? checks : undefined,
    sweeper,
    stats: { added() {}, removed() {}, resized: (size, onProbation) => void (counts = [size, onProbation]) },
  });
  t.after(() => made.close());
  const says = (nowMs: number, ports: readonly number[], isDistrusted = false): void => {
    const meta: Record<string, number> = isDistrusted ? { [distrustedKey]: 1 } : {};
    const addresses = ports.map((port) => Address.of("127.0.0.1", port));
    const addr: Addr = { tag: "bound", addresses, meta };
    trust.hear(addr, nowMs);
    made.replace(addresses, nowMs);
  };
  return {
    set: made,
    says,
    counts: () => counts,
    ports: () => current.map(({ address }) => address.port),
    at: (port: number) => current.find(({ address }) => address.port === port)!,
  };
}

test("while discovery is trusted, its word alone takes an endpoint away", (t) => {
  for (const mode of ["always", "whenFresh"] as const) {
    const { says, ports } = set(t, mode);
    says(0, [1, 2]);
    says(1, [2]);
    assert.deepEqual(ports(), [2], mode);
  }
});

test("an endpoint that discovery dropped and that answers stays until it does not answer either", (t) => {
  const { set: endpoints, says, ports, at, counts } = set(t, "never");
  says(0, [1, 2, 3]);
  says(1, [2]);
  assert.deepEqual(ports(), [2, 1, 3]);
  assert.deepEqual(counts(), [3, 2]);
  assert.equal(endpoints.isAllOnProbation, false);
  says(2, []);
  assert.equal(endpoints.isAllOnProbation, true);
  says(3, [2]);
  at(1).pool.unreachable = true;
  endpoints.sweep(500);
  assert.deepEqual(ports(), [2, 3]);
  at(3).accrual.failure(600);
  endpoints.sweep(750);
  assert.deepEqual(ports(), [2]);
  assert.deepEqual(counts(), [1, 0]);
});

test("one that discovery takes up again is an ordinary endpoint, with the state that it had", (t) => {
  const { set: endpoints, says, ports, at } = set(t, "never");
  says(0, [1, 2]);
  const one = at(1);
  says(1, [2]);
  says(2, [1, 2]);
  assert.equal(at(1), one);
  assert.equal(one.onProbation, false);
  one.pool.unreachable = true;
  endpoints.sweep(250);
  assert.deepEqual(ports().sort(), [1, 2]);
});

test("one that fails when discovery drops it goes at once", (t) => {
  const { says, ports, at } = set(t, "never");
  says(0, [1, 2]);
  at(1).pool.unreachable = true;
  says(1, [2]);
  assert.deepEqual(ports(), [2]);
});

test("with health checks, what counts is what they say", (t) => {
  const { set: endpoints, says, ports, at } = set(t, "never", true);
  says(0, [1, 2]);
  says(1, [2]);
  at(1).pool.unreachable = true;
  endpoints.sweep(250);
  assert.deepEqual(ports(), [2, 1]);
  for (let i = 0; i < 3; i++) at(1).health?.checked("x");
  endpoints.sweep(500);
  assert.deepEqual(ports(), [2]);
});

test("after a distrusted set, what the source drops stays while it answers, for five minutes", (t) => {
  const { set: endpoints, says, ports } = set(t, "whenFresh");
  says(0, [1, 2, 3]);
  says(1_000, [1, 2, 3], true);
  says(600_000, [1]);
  assert.deepEqual(ports(), [1, 2, 3]);
  says(800_000, [1, 4]);
  assert.deepEqual(ports(), [1, 4, 2, 3]);
  endpoints.sweep(899_000);
  assert.deepEqual(ports(), [1, 4, 2, 3]);
  endpoints.sweep(900_001);
  assert.deepEqual(ports(), [1, 4]);
  says(900_002, [4]);
  assert.deepEqual(ports(), [4]);
});

test("of the endpoints that are kept, the oldest go when there are too many", (t) => {
  const { says, ports } = set(t, "never");
  for (let i = 1; i <= 150; i++) says(i, [i]);
  assert.equal(ports().length, 101);
  assert.deepEqual(ports().slice(0, 3), [150, 149, 148]);
  assert.equal(ports().at(-1), 50);
});
