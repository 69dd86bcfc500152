/** `io.l5d.consul` over HTTP, on a Consul that can go wrong. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { NameTree, Path } from "../../dtab/index.ts";
import { failFast } from "../../namers/consul/api.ts";
import { consulSchema } from "../../namers/consul/config.ts";
import { createConsulNamer } from "../../namers/consul/namer.ts";
import { TooLate } from "../../namers/lib/supervise.ts";
import { fakeClock, realClock } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { type FakeConsul, type Fault, fakeConsul } from "../kit/fake-consul.ts";
import { follow } from "../kit/follow.ts";
import { recordedLog } from "../kit/log.ts";
import { observe, testNamer } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { withDefaults } from "../kit/with-defaults.ts";

const prefix = Path.read("/#/io.l5d.consul");

function create(port: number, block: Record<string, unknown> = {}) {
  const config = withDefaults(consulSchema, { host: "127.0.0.1", port, ...block });
  const log = recordedLog();
  return { log, namer: createConsulNamer(config, { ...pluginContext(), clock: realClock, log, prefix }) };
}

/** A Consul for the whole file: it is asked by one namer after another. */
const shared = await fakeConsul();
after(() => shared.close());

testNamer("io.l5d.consul", () => {
  shared.fault(undefined);
  shared.set("web", "127.0.0.1:80");
  const { namer } = create(shared.port);
  return {
    namer,
    known: Path.read("/dc1/web"),
    unknown: Path.read("/dc1/nope"),
    leadsTo: "/#/io.l5d.consul/dc1/web",
    discovery: {
      update() {
        shared.set("web", "127.0.0.1:81", "127.0.0.2:82");
        return ["127.0.0.1:81", "127.0.0.2:82"];
      },
      fail: () => shared.fault("500"),
      running: () => (namer.state() as { watched: number }).watched > 0,
    },
    dispose: () => shared.fault(undefined),
  };
});

for (const kind of ["500", "garbage", "truncated", "no index", "reset"] satisfies Fault[]) {
  test(`addresses stay through a Consul that answers with ${kind}, and follow it once it is well`, async () => {
    await withConsul(async (consul) => {
      consul.set("web", "127.0.0.1:80");
      const { namer, log } = create(consul.port, { waitSeconds: 1 });
      const web = follow(namer, "/dc1/web");
      await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
      consul.fault(kind);
      await eventually(() =>
        assert.ok(log.lines.some((line) => line.includes("does not answer as it should"))),
      );
      assert.deepEqual(web.addresses(), ["127.0.0.1:80"]);
      assert.equal(web.state().tag, "ok");
      if (kind === "no index") return web.close();
      consul.set("web", "127.0.0.1:81");
      consul.fault(undefined);
      await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:81"]));
      web.close();
    });
  });
}

test("an instance list that is really empty takes the name away", async () => {
  await withConsul(async (consul) => {
    consul.set("web", "127.0.0.1:80");
    const web = follow(create(consul.port).namer, "/dc1/web");
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
    consul.set("web");
    await eventually(() => assert.deepEqual(web.state(), { tag: "ok", value: NameTree.neg }));
    assert.deepEqual(web.addr(), { tag: "neg" });
    web.close();
  });
});

test("without Consul at start a name is Neg, and bound once Consul is there", async () => {
  const consul = await fakeConsul();
  const { port } = consul;
  consul.fault("reset");
  try {
    const web = follow(create(port).namer, "/dc1/web");
    await eventually(() => assert.deepEqual(web.state(), { tag: "ok", value: NameTree.neg }));
    consul.set("web", "127.0.0.1:80");
    consul.fault(undefined);
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
    web.close();
  } finally {
    consul.close();
  }
});

test("host names among the addresses are resolved", async () => {
  await withConsul(async (consul) => {
    consul.set("web", "localhost:80");
    const config = withDefaults(consulSchema, { host: "127.0.0.1", port: consul.port });
    const ctx = { ...pluginContext(), clock: realClock, prefix };
    const namer = createConsulNamer(config, ctx, undefined, async () => ["10.0.0.1", "10.0.0.2"]);
    const web = follow(namer, "/dc1/web");
    await eventually(() => assert.deepEqual(web.addresses(), ["10.0.0.1:80", "10.0.0.2:80"]));
    web.close();
  });
});

test("the token is sent, and names cannot lead to another part of the API", async () => {
  await withConsul(async (consul) => {
    const { namer } = create(consul.port, { token: "secret" });
    const odd = [
      "/dc1/..",
      "/dc1/.",
      "/dc1/a\\x2f..\\x2fkv",
      "/..\\x2f/web",
      "/dc1/\\xff\\xfe",
      "/dc1/a\\x5cb",
    ];
    for (const path of odd) {
      assert.deepEqual(namer.lookup(Path.read(path)).sample(), { tag: "ok", value: NameTree.neg }, path);
    }
    const name = observe(namer.lookup(Path.read("/dc1/a\\x26b\\x3fc\\x20d")).states);
    await eventually(() => assert.equal(consul.queries.length, 1));
    assert.equal(consul.queries[0], "/v1/catalog/service/a%26b%3Fc%20d?dc=dc1");
    assert.equal(consul.lastHeaders()["x-consul-token"], "secret");
    name.close();
  });
});

test("a scan of random names opens no more connections than it may, and its lookups are limited", async () => {
  await withConsul(async (consul) => {
    consul.set("web", "127.0.0.1:80");
    const { namer } = create(consul.port, { maxConnections: 10 });
    const web = follow(namer, "/dc1/web");
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
    let open: ReturnType<typeof observe>[] = [];
    for (let i = 0; i < 5_000; i++) {
      open.push(observe(namer.lookup(Path.read(`/dc1/random-${i}`)).states));
      if (open.length < 500) continue;
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const each of open) each.close();
      open = [];
    }
    assert.ok(consul.connections().most <= 10, `${consul.connections().most} connections`);
    assert.ok(consul.queries.length < 1_500, `${consul.queries.length} queries`);
    consul.set("web", "127.0.0.1:81");
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:81"]));
    const { watched } = namer.state() as { watched: number };
    assert.equal(watched, 1);
    web.close();
  });
});

test("more services than connections take turns, and each hears of its changes", async () => {
  await withConsul(async (consul) => {
    const names = Array.from({ length: 12 }, (_, i) => `s${i}`);
    for (const name of names) consul.set(name, "127.0.0.1:80");
    const { namer } = create(consul.port, { maxConnections: 6 });
    const watches = names.map((name) => follow(namer, `/dc1/${name}`));
    await eventually(() => {
      for (const each of watches) assert.deepEqual(each.addresses(), ["127.0.0.1:80"]);
    });
    for (const name of names) consul.set(name, "127.0.0.1:81");
    await eventually(() => {
      for (const each of watches) assert.deepEqual(each.addresses(), ["127.0.0.1:81"]);
    });
    assert.ok(consul.connections().most <= 6, `${consul.connections().most} connections`);
    for (const each of watches) each.close();
  });
});

test("the state tells of every name how old it is and what went wrong last", async () => {
  await withConsul(async (consul) => {
    consul.set("web", "127.0.0.1:80");
    const { namer } = create(consul.port);
    const web = follow(namer, "/dc1/web");
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
    consul.fault("500");
    const state = await eventually(() => {
      const { names } = JSON.parse(JSON.stringify(namer.state())) as {
        names: Record<string, { lastError?: string }>;
      };
      assert.match(names["dc1/web"]?.lastError ?? "", /status 500: rpc error: No cluster leader/);
      return names["dc1/web"] as Record<string, unknown>;
    });
    assert.equal(state["state"], "found");
    assert.equal(state["running"], true);
    assert.equal(typeof state["ageSeconds"], "number");
    assert.deepEqual(
      namer.names().map(({ name }) => name.show()),
      ["/#/io.l5d.consul/dc1/web"],
    );
    web.close();
  });
});

test("with failFast Consul is left alone after five failures in a row, for a while", async () => {
  const clock = fakeClock();
  let asked = 0;
  let well = false;
  const get = failFast(
    async () => {
      asked++;
      if (!well) throw new Error("refused");
      return { status: 200, header: () => undefined, body: "" };
    },
    clock,
    () => 1,
  );
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i++) await assert.rejects(get("/", signal));
  assert.equal(asked, 5);
  await clock.advance(1_001);
  await assert.rejects(get("/", signal), /refused/);
  await assert.rejects(get("/", signal), /failures in a row/);
  well = true;
  await clock.advance(2_001);
  assert.equal((await get("/", signal)).status, 200);
  assert.equal((await get("/", signal)).status, 200);
});

test("with failFast whoever leaves counts for nothing, and an answer that comes too late is a failure", async () => {
  for (const [reason, counts] of [
    [undefined, false],
    [new TooLate("late"), true],
  ] as const) {
    let asked = 0;
    const get = failFast(
      (_target, signal) => {
        asked++;
        return Promise.reject(signal.aborted ? new Error("aborted") : new Error("unexpected"));
      },
      fakeClock(),
      () => 1,
    );
    for (let i = 0; i < 8; i++) await assert.rejects(get("/", AbortSignal.abort(reason)));
    assert.equal(asked, counts ? 5 : 8);
  }
});

async function withConsul(run: (consul: FakeConsul) => Promise<void>): Promise<void> {
  const consul = await fakeConsul();
  try {
    await run(consul);
  } finally {
    consul.close();
  }
}
