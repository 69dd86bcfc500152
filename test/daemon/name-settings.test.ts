/** What names and clients of a router share. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RouterConfig } from "../../config/schema.ts";
import { NameSettings, type SettingsSources } from "../../daemon/data/router/name-settings.ts";
import consecutiveFailures from "../../plugins/accruals/consecutive-failures.ts";
import p2c from "../../plugins/balancers/p2c.ts";
import { Registry } from "../../plugins/registry.ts";
import { pluginContext } from "../kit/plugin-context.ts";

const configs = [
  { prefix: "/", failFast: true },
  { prefix: "/#/io.l5d.fs/slow", connectTimeoutMs: 9000 },
  { prefix: "/#/io.l5d.fs/{name}", tls: { commonName: "{name}.example" } },
];
const config = {
  maxHeadersKB: 8,
  maxInitialLineKB: 4,
  client: { kind: "io.l5d.static", configs },
  service: { totalTimeoutMs: 500 },
} as unknown as RouterConfig;

test("names with the same parameters have one object of settings, others have their own", () => {
  const connectors: unknown[] = [];
  const plugin = pluginContext();
  const tls = { connector: (given: unknown) => void connectors.push(given) };
  const settings = new NameSettings(config, {
    registry: new Registry([p2c, consecutiveFailures]),
    plugin,
    random: plugin.random,
    tls: tls as unknown as SettingsSources["tls"],
  });
  assert.equal(settings.ofService("/svc/a"), settings.ofService("/svc/b"));
  assert.equal(settings.ofService("/svc/a").totalTimeoutMs, 500);
  const plain = settings.ofClient("/$/inet/127.0.0.1/80");
  assert.equal(settings.ofClient("/$/inet/127.0.0.1/81"), plain);
  assert.deepEqual([plain.failFast, plain.connectTimeoutMs, connectors.length], [true, 1000, 0]);
  const slow = settings.ofClient("/#/io.l5d.fs/slow");
  assert.deepEqual([slow.failFast, slow.connectTimeoutMs], [true, 9000]);
  assert.notEqual(settings.ofClient("/#/io.l5d.fs/web"), settings.ofClient("/#/io.l5d.fs/cart"));
  assert.deepEqual(
    connectors,
    ["slow", "web", "cart"].map((name) => ({ commonName: `${name}.example` })),
  );
});
