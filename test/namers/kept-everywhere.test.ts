/** Every namer with a backend serves what was kept while the backend is away, and marks it when it is too old. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinRegistry } from "../../daemon/builtin.ts";
import { type Addr, type Bound, distrustedKey, Path } from "../../dtab/index.ts";
import { theList } from "../../namers/marathon/events.ts";
import type { KeptName, Namer, NamerContext } from "../../plugins/contract.ts";
import { realClock } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { addressesOf, leafOf, observe } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { withDefaults } from "../kit/with-defaults.ts";

interface Case {
  readonly block: Record<string, unknown>;
  readonly names: Readonly<Record<string, unknown>>;
  readonly path: string;
}

const hosts = [{ host: "10.0.0.1", port: 80 }];
/** Nobody listens there. */
const away = { host: "127.0.0.1", port: 1 };
const zooKeeper = { zkAddrs: [away] };
const groups = [{ addresses: [{ ip: "10.0.0.1", meta: {} }], ports: new Map([["http", 80]]) }];

const cases: Readonly<Record<string, Case>> = {
  "io.l5d.consul": {
    block: away,
    names: { "dc1/web": { instances: hosts, meta: {} } },
    path: "/dc1/web",
  },
  "io.l5d.dnssrv": { block: { dnsHosts: ["127.0.0.1:1"] }, names: { web: hosts }, path: "/web" },
  dns: {
    block: { dnsHosts: ["127.0.0.1:1"] },
    names: { web: [{ host: "10.0.0.1", port: 0 }] },
    path: "/web/80",
  },
  "io.l5d.k8s": { block: away, names: { "prod/web": groups }, path: "/prod/http/web" },
  "io.l5d.marathon": {
    block: away,
    names: { [theList]: { apps: ["/web"], endpoints: [] }, "/web": { apps: [], endpoints: hosts } },
    path: "/web",
  },
  "io.l5d.rancher": {
    block: away,
    names: {
      containers: [{ primaryIp: "10.0.0.1", stackName: "prod", serviceName: "web", state: "running" }],
    },
    path: "/http/prod/web",
  },
  "io.l5d.serversets": {
    block: zooKeeper,
    names: {
      "/web": {
        members: [{ id: "member_1", status: "ALIVE", service: hosts[0], additional: {} }],
        weightings: [],
      },
    },
    path: "/web",
  },
  "io.l5d.zkLeader": { block: zooKeeper, names: { "/web": hosts }, path: "/web" },
  "io.l5d.curator": {
    block: zooKeeper,
    names: { "/web": hosts.map((each) => ({ ...each, ssl: false })) },
    path: "/web",
  },
};

for (const [kind, { block, names, path }] of Object.entries(cases)) {
  test(`${kind} serves what was kept, marked as too old`, async (t) => {
    const at = Date.now() - 3_600_000;
    const kept = Object.entries(names).map(([name, value]): KeptName => ({ name, value, at }));
    const ctx: NamerContext = {
      ...pluginContext(),
      clock: realClock,
      prefix: Path.read(`/#/${kind}`),
      kept: { keep: () => kept, changed() {} },
    };
    const registry = builtinRegistry();
    await registry.load([kind]);
    const plugin = registry.get("namer", kind);
    const config = withDefaults(plugin.schema, { ...block, distrustAfterSeconds: 60 });
    const namer = plugin.create(config, ctx) as Namer;
    const tree = observe(namer.lookup(Path.read(path)).states);
    t.after(() => tree.close());
    const bound = (await eventually(() => leafOf(tree.last()))) as Bound;
    const addr = observe(bound.addr);
    t.after(() => addr.close());
    await eventually(() => {
      const now: Addr = addr.last();
      assert.deepEqual(addressesOf(now), ["10.0.0.1:80"]);
      assert.ok(now.tag === "bound" && now.meta[distrustedKey] !== undefined, "not marked");
    });
  });
}
