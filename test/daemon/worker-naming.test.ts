/** The binding caches of a worker: which messages they send, and that nothing stays behind what is evicted. */
import assert from "node:assert/strict";
import { mock, type TestContext, test } from "node:test";
import type { RetryBudgetConfig } from "../../config/schema.ts";
import { Client } from "../../daemon/data/client/client.ts";
import { noLocalDtab, readLocalDtab } from "../../daemon/data/router/dtab-headers.ts";
import { Naming } from "../../daemon/data/router/naming.ts";
import { Service } from "../../daemon/data/router/service.ts";
import { SharedScope } from "../../daemon/data/shared-scope.ts";
import { Sweeper } from "../../daemon/data/sweeper.ts";
import type { BoundTree, ToControl } from "../../daemon/shared/messages.ts";
import { Path } from "../../dtab/index.ts";
import p2c from "../../plugins/balancers/p2c.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { withDefaults } from "../kit/with-defaults.ts";
import { noMetrics } from "./kit.ts";

const budget = { ttlSecs: 10, minRetriesPerSec: 10, percentCanRetry: 0.2 } as RetryBudgetConfig;
const shared = SharedScope.root(noMetrics);
const leaf = (id: string): BoundTree => ({ tag: "leaf", id, residual: "/" });

interface Rig {
  readonly naming: Naming;
  /** What was posted, in short. */
  posted(): string[];
  readonly services: Set<Service>;
}

function rig(t: TestContext, sizes: { paths?: number; clients?: number } = {}): Rig {
  mock.timers.reset(); // a test may have two
  mock.timers.enable({ apis: ["setInterval"] });
  t.after(() => mock.timers.reset());
  const posts: string[] = [];
  const services = new Set<Service>();
  let binds = 0;
  const post = (message: ToControl): void => {
    if (message.type === "bind") posts.push(`bind ${message.bind} ${message.path}`);
    else if (message.type === "release") posts.push(`release ${message.bind}`);
    else if (message.type === "watch" || message.type === "unwatch")
      posts.push(`${message.type} ${message.id}`);
  };
  const settings = {
    limits: { maxHeadersBytes: 8192, maxInitialLineBytes: 4096 },
    balancer: p2c.create(withDefaults(p2c.schema, {}), pluginContext()),
    accrual: { create: () => ({ success() {}, failure: () => undefined, revived() {} }) },
    requeueBudget: budget,
    attemptTimeoutMs: 0,
    connectTimeoutMs: 1000,
    responseTimeoutMs: 0,
    writeTimeoutMs: 0,
    maxConnections: 10,
    minConnections: 0,
    maxWaiters: 10,
    poolIdleMs: 0,
    sessionIdleMs: 0,
    sessionLifeMs: 0,
    failFast: false,
    trustDiscovery: "whenFresh" as const,
    healthCheck: undefined,
    random: Math.random,
    noDelay: true,
    keepAlive: false,
    secure: undefined,
    forwardClientCert: false,
  };
  const naming = new Naming(
    {
      key: "r",
      service(path) {
        const service = new Service(
          path,
          {
            classifier: undefined,
            retryBudget: budget,
            retryBackoff: { start: () => ({ next: () => 0 }) },
            totalTimeoutMs: 0,
            replayBytes: 0,
          },
          shared.open("s", path),
        );
        services.add(service);
        return service;
      },
      serviceEnded: (service) => void services.delete(service),
      createClient: (id, closed) =>
        new Client(id, settings, noMetrics.scope("c", id), new Sweeper(), { workers: 1 }, closed),
    },
    { paths: sizes.paths ?? 100, trees: 100, bounds: 100, clients: sizes.clients ?? 10, idleTtlSecs: 60 },
    noMetrics.scope("bindcache"),
    post,
    () => ++binds,
    new Sweeper(),
  );
  return { naming, posted: () => posts.splice(0), services };
}

test("a name is bound once, however often it is asked for", (t) => {
  const { naming, posted } = rig(t);
  const first = naming.take(Path.read("/svc/a"), noLocalDtab, 1);
  assert.equal(naming.take(Path.read("/svc/a"), noLocalDtab, 2), first);
  assert.deepEqual(posted(), ["bind 1 /svc/a"]);
});

test("a name with rules of its own is another one", (t) => {
  const { naming } = rig(t);
  const local = { ...noLocalDtab, text: "/a=>/b" };
  assert.notEqual(
    naming.take(Path.read("/svc/a"), local, 1),
    naming.take(Path.read("/svc/a"), noLocalDtab, 1),
  );
});

test("an evicted name is released, and its service ends", (t) => {
  const { naming, posted, services } = rig(t, { paths: 1 });
  naming.release(naming.take(Path.read("/svc/a"), noLocalDtab, 1));
  naming.release(naming.take(Path.read("/svc/b"), noLocalDtab, 2));
  assert.deepEqual(posted(), ["bind 1 /svc/a", "bind 2 /svc/b", "release 1"]);
  assert.deepEqual(
    [...services].map(({ path }) => path),
    ["/svc/b"],
  );
});

test("a thousand names leave no more behind than there is room for", (t) => {
  const { naming, posted, services } = rig(t, { paths: 10 });
  for (let n = 0; n < 1000; n++) naming.release(naming.take(Path.read(`/svc/${n}`), noLocalDtab, n));
  const messages = posted();
  const of = (type: string): number => messages.filter((message) => message.startsWith(type)).length;
  assert.deepEqual([of("bind"), of("release"), services.size], [1000, 990, 10]);
});

test("a state of a binding that is gone wakes nobody and opens nothing", (t) => {
  const { naming, posted } = rig(t, { paths: 1 });
  naming.release(naming.take(Path.read("/svc/a"), noLocalDtab, 1));
  naming.release(naming.take(Path.read("/svc/b"), noLocalDtab, 2));
  posted();
  assert.deepEqual([...naming.bound(1, { tag: "ok", tree: leaf("/#/x") })], []);
  assert.deepEqual(posted(), []);
});

test("a name that is never decided keeps none of the requests that waited for it", (t) => {
  const { naming } = rig(t);
  const binding = naming.take(Path.read("/svc/a"), noLocalDtab, 1);
  const gone = { attempt() {} };
  const stays = { attempt() {} };
  binding.await(gone);
  binding.await(stays);
  binding.forget(gone);
  assert.deepEqual([...naming.bound(1, { tag: "ok", tree: leaf("/#/x") })], [stays]);
});

test("every client of a tree is watched, and an evicted one is watched no more", (t) => {
  const { naming, posted } = rig(t, { clients: 2 });
  naming.take(Path.read("/svc/a"), noLocalDtab, 1);
  const branches = ["/#/x", "/#/y"].map((id) => ({ weight: 1, tree: leaf(id) }));
  naming.bound(1, { tag: "ok", tree: { tag: "union", branches } });
  assert.deepEqual(posted(), ["bind 1 /svc/a", "watch /#/x", "watch /#/y"]);
  naming.bound(1, { tag: "ok", tree: leaf("/#/z") });
  const messages = posted();
  assert.equal(messages.filter((message) => message.startsWith("unwatch")).length, 1);
  assert.ok(messages.includes("watch /#/z"));
});

test("a branch whose client was evicted gets a new one when it is picked", (t) => {
  const { naming, posted } = rig(t, { clients: 1 });
  const binding = naming.take(Path.read("/svc/a"), noLocalDtab, 1);
  naming.bound(1, { tag: "ok", tree: leaf("/#/x") });
  const picked = binding.tree!.leaves[0]!;
  const first = naming.client(picked, binding, 1).client;
  naming.releaseClient(first);
  naming.take(Path.read("/svc/b"), noLocalDtab, 2);
  naming.bound(2, { tag: "ok", tree: leaf("/#/y") });
  assert.equal(first.evicted, true);
  posted();
  const second = naming.client(picked, binding, 3).client;
  assert.notEqual(second, first);
  assert.ok(posted().includes("watch /#/x"));
});

test("a client beyond the cache's room is one and the same while it is used, and ends after", (t) => {
  const { naming, posted } = rig(t, { clients: 1 });
  const a = naming.take(Path.read("/svc/a"), noLocalDtab, 1);
  naming.bound(1, { tag: "ok", tree: leaf("/#/x") });
  naming.client(a.tree!.leaves[0]!, a, 1); // in use, so there is no room
  const b = naming.take(Path.read("/svc/b"), noLocalDtab, 2);
  naming.bound(2, { tag: "ok", tree: leaf("/#/y") });
  posted();
  const once = naming.client(b.tree!.leaves[0]!, b, 3).client;
  assert.equal(naming.client(b.tree!.leaves[0]!, b, 4).client, once);
  naming.releaseClient(once);
  assert.deepEqual(posted(), ["watch /#/y"]);
  naming.releaseClient(once);
  assert.deepEqual(posted(), ["unwatch /#/y"]);
});

test("retiring ends all at once when nothing is in use", (t) => {
  const { naming, posted } = rig(t);
  naming.release(naming.take(Path.read("/svc/a"), noLocalDtab, 1));
  naming.bound(1, { tag: "ok", tree: leaf("/#/x") });
  posted();
  let idle = 0;
  naming.retire(() => void idle++);
  assert.deepEqual(posted().sort(), ["release 1", "unwatch /#/x"]);
  assert.equal(idle, 1);
});

test("a path that comes again leads to its binding, until that has ended", (t) => {
  const { naming } = rig(t, { paths: 1 });
  const path = Path.read("/svc/a");
  const first = naming.take(path, noLocalDtab, 1);
  assert.equal(path.known, first);
  assert.equal(naming.take(path, noLocalDtab, 2), first);
  assert.equal(first.inUse, 2);
  naming.release(first);
  naming.release(first);
  // Another name takes its place in the cache.
  naming.release(naming.take(Path.read("/svc/b"), noLocalDtab, 3));
  assert.equal(path.known, undefined);
  assert.notEqual(naming.take(path, noLocalDtab, 4), first);
});

test("a path is known to one router, and with rules of its own to none", (t) => {
  const [one, other] = [rig(t).naming, rig(t).naming];
  const path = Path.read("/svc/a");
  const local = readLocalDtab("/svc/a => /svc/b");
  const ofOne = one.take(path, noLocalDtab, 1);
  assert.notEqual(other.take(path, noLocalDtab, 1), ofOne);
  assert.equal(one.take(path, noLocalDtab, 1), ofOne);
  assert.notEqual(one.take(path, local, 1), ofOne);
  assert.equal(one.take(path, noLocalDtab, 1), ofOne);
  const again = Path.read("/svc/a");
  assert.equal(one.take(again, noLocalDtab, 1), ofOne);
  assert.equal(path.known, undefined);
});
