/** `io.l5d.rancher` over HTTP, on a metadata service that can go wrong. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { NameTree, Path } from "../../dtab/index.ts";
import { type RancherConfig, rancherSchema } from "../../namers/rancher/config.ts";
import { createRancherNamer } from "../../namers/rancher/namer.ts";
import { fastClock, realClock } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { type FakeContainer, type FakeRancher, fakeRancher } from "../kit/fake-rancher.ts";
import { httpFaults } from "../kit/faulty-http.ts";
import { follow } from "../kit/follow.ts";
import { testNamer } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { withDefaults } from "../kit/with-defaults.ts";

const prefix = Path.read("/#/io.l5d.rancher");
const neg = { tag: "ok", value: NameTree.neg };

function create({ port }: FakeRancher, block: Partial<RancherConfig> = {}, clock = realClock) {
  const config = withDefaults(rancherSchema, { host: "127.0.0.1", port, ...block });
  return createRancherNamer(config, { ...pluginContext(), clock, prefix });
}

const running = (service: string, ip: string, more: FakeContainer = {}): FakeContainer => ({
  stack_name: "prod",
  service_name: service,
  primary_ip: ip,
  state: "running",
  ports: [],
  ...more,
});

async function withRancher(run: (rancher: FakeRancher) => Promise<void>): Promise<void> {
  const rancher = await fakeRancher();
  try {
    await run(rancher);
  } finally {
    rancher.close();
  }
}

/** For the suite of all namers, which asks one namer after another. */
const shared = await fakeRancher();
after(() => shared.close());

testNamer("io.l5d.rancher", () => {
  shared.fault(undefined);
  shared.set(running("web", "127.0.0.1"));
  const namer = create(shared);
  return {
    namer,
    known: Path.read("/http/prod/web"),
    unknown: Path.read("/http/prod/nope"),
    leadsTo: "/#/io.l5d.rancher/http/prod/web",
    discovery: {
      update() {
        shared.set(running("web", "127.0.0.2"), running("web", "127.0.0.3"));
        return ["127.0.0.2:80", "127.0.0.3:80"];
      },
      fail: () => shared.fault("500"),
      running: () => (namer.state() as { watched: number }).watched > 0,
    },
    dispose: () => shared.fault(undefined),
  };
});

for (const fault of httpFaults) {
  test(`addresses stay through a metadata service with the fault "${fault}", and follow it once it is well`, async () => {
    await withRancher(async (rancher) => {
      rancher.set(running("web", "10.0.0.1"));
      const web = follow(create(rancher, {}, fastClock(20)), "/8080/prod/web");
      await eventually(() => assert.deepEqual(web.addresses(), ["10.0.0.1:8080"]));
      await eventually(() => assert.equal(rancher.waiting(), 1));
      rancher.fault(fault);
      rancher.set(running("web", "10.0.0.2"));
      const { length } = rancher.targets;
      await eventually(() => assert.ok(rancher.targets.length > length));
      assert.deepEqual(web.addresses(), ["10.0.0.1:8080"]);
      rancher.fault(undefined);
      await eventually(() => assert.deepEqual(web.addresses(), ["10.0.0.2:8080"]));
      web.close();
    });
  });
}

test("a change is told at once, and nothing is asked for where nothing changed", async () => {
  await withRancher(async (rancher) => {
    rancher.set(running("web", "10.0.0.1"), running("api", "10.0.0.9"));
    const namer = create(rancher, { maxWait: 1 });
    const web = follow(namer, "/http/Prod/WEB/x");
    const api = follow(namer, "/https/prod/api");
    await eventually(() => assert.deepEqual(web.addresses(), ["10.0.0.1:80"]));
    await eventually(() => assert.deepEqual(api.addresses(), ["10.0.0.9:443"]));
    await eventually(() =>
      assert.ok(rancher.targets.filter((target) => target.includes("wait=")).length > 2),
    );
    assert.equal(rancher.targets.filter((target) => target.endsWith("/containers")).length, 1);
    assert.ok(rancher.targets.includes("/2015-12-19/version?wait=true&maxWait=1&value=2"));
    rancher.set(running("web", "10.0.0.2"), running("api", "10.0.0.9"));
    await eventually(() => assert.deepEqual(web.addresses(), ["10.0.0.2:80"]));
    assert.deepEqual(
      namer.names().map(({ name }) => name.show()),
      ["web", "api"].flatMap((service) =>
        ["http", "https"].map((port) => `/#/io.l5d.rancher/${port}/prod/${service}`),
      ),
    );
    web.close();
    api.close();
  });
});

test("containers that stop go, and those that nobody can place are left alone", async () => {
  await withRancher(async (rancher) => {
    const odd: readonly FakeContainer[] = [
      running("web", "10.0.0.5", { stack_name: null }),
      running("web", "", { primary_ip: null }),
      running("web", "10.0.0.6", { state: "Running" }),
    ];
    rancher.set(running("web", "10.0.0.1"), running("web", "10.0.0.1", { ports: ["8080:80/tcp"] }), ...odd);
    const web = follow(create(rancher), "/http/prod/web");
    await eventually(() => assert.deepEqual(web.addresses(), ["10.0.0.1:80"]));
    rancher.set(running("web", "10.0.0.1", { state: "stopping" }), ...odd);
    await eventually(() => assert.deepEqual(web.state(), neg));
    web.close();
  });
});

test("most containers that go at once must be confirmed", async () => {
  await withRancher(async (rancher) => {
    const four = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
    rancher.set(...four.map((ip) => running("web", ip)));
    const web = follow(create(rancher), "/http/prod/web");
    const all = four.map((ip) => `${ip}:80`);
    await eventually(() => assert.deepEqual(web.addresses(), all));
    await eventually(() => assert.equal(rancher.waiting(), 1));
    const { length } = rancher.targets;
    rancher.set();
    await eventually(() => assert.ok(rancher.targets.slice(length).includes("/2015-12-19/containers")));
    assert.deepEqual(web.addresses(), all);
    await eventually(() => assert.deepEqual(web.state(), neg), 30_000);
    web.close();
  });
});

test("a port that is neither a number nor a name is no name", async () => {
  await withRancher(async (rancher) => {
    const namer = create(rancher, { portMappings: { admin: 9990 } });
    for (const path of ["/ftp/prod/web", "/0/prod/web", "/65536/prod/web", "/http/prod"]) {
      assert.deepEqual(namer.lookup(Path.read(path)).sample(), neg, path);
    }
    assert.deepEqual(rancher.targets, []);
  });
});

test("without a metadata service at start a name fails with the reason, and is bound once it is there", async () => {
  await withRancher(async (rancher) => {
    rancher.set(running("web", "10.0.0.1"));
    rancher.fault("garbage");
    const web = follow(create(rancher), "/http/prod/web");
    await eventually(() => {
      const state = web.state();
      assert.match(
        state.tag === "failed" ? state.error.message : "",
        /this is not Rancher's metadata service/,
      );
    });
    web.close();
    rancher.fault(undefined);
    const again = follow(create(rancher), "/http/prod/web");
    await eventually(() => assert.deepEqual(again.addresses(), ["10.0.0.1:80"]));
    again.close();
  });
});
