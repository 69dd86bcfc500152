/** Every example configuration is good, on the disk as it is, and so is its editor's view of it. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { showIssue } from "../../config/errors.ts";
import { toJsonSchema } from "../../config/json-schema.ts";
import { type CheckResult, checkConfig } from "../../config/load.ts";
import { builtinRegistry } from "../../daemon/builtin.ts";
import { Path } from "../../dtab/index.ts";
import type { IdentifierContext, RequestView } from "../../plugins/contract.ts";
import { loadUserPlugins } from "../../plugins/registry.ts";

const folder = fileURLToPath(new URL("../../config/examples/", import.meta.url));
const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const registry = builtinRegistry();
await registry.loadAll();
const { files } = await loadUserPlugins(["./plugins/tenant-identifier.mjs"], folder, registry);

/** What tls/make-certificates.sh and `pointsman override keygen` make. */
const made = ["tls/authority.pem", "tls/host.pem", "tls/host-key.pem", "overrides.pem"];

/** As `check` does when it is started in the folder of the examples. */
const checkExample = (name: string): Promise<CheckResult> => {
  const at = (file: string) => statSync(path.join(folder, file), { throwIfNoEntry: false });
  return checkConfig(readFileSync(path.join(folder, name), "utf8"), {
    kinds: async () => ({ kinds: registry, problems: [] }),
    files: {
      isFile: (file) => at(file)?.isFile() === true || made.includes(file),
      isDirectory: (file) => at(file)?.isDirectory() === true,
    },
    workers: 1,
  });
};

// Draft-07 as editors read it; fastify brings the validator.
const { default: Ajv } = createRequire(createRequire(import.meta.url).resolve("fastify"))("ajv");
const ajv = new Ajv({
  allErrors: true,
  strict: true,
  strictTypes: false,
  strictRequired: false,
  formats: { regex: true },
});
const fitsSchema = ajv.compile(toJsonSchema(registry));

test("there are examples", () => {
  assert.ok(names.length >= 5, names.join(", "));
});

for (const name of names) {
  test(`${name} is good`, async () => {
    const { issues } = await checkExample(name);
    assert.deepEqual(
      issues.map((issue) => showIssue(name, issue)),
      [],
    );
  });

  test(`${name} fits the JSON Schema`, () => {
    const fits = fitsSchema(parse(readFileSync(path.join(folder, name), "utf8")));
    assert.ok(fits, JSON.stringify(fitsSchema.errors, undefined, 2));
  });
}

const refuses = (why: string, value: unknown): void => {
  test(`the JSON Schema refuses ${why}`, () => assert.equal(fitsSchema(value), false));
};
const routerWith = (keys: object): unknown => ({ routers: [{ protocol: "http", servers: [{}], ...keys }] });

test("the JSON Schema takes the least there is", () => {
  assert.ok(fitsSchema(routerWith({})), JSON.stringify(fitsSchema.errors));
});

refuses("an unknown key", routerWith({ lable: "a" }));
refuses("an unknown kind", routerWith({ identifier: { kind: "io.l5d.nope" } }));
refuses("a key of another kind", routerWith({ identifier: { kind: "io.l5d.path", header: "Host" } }));
refuses("a plugin's missing key", { ...(routerWith({}) as object), namers: [{ kind: "io.l5d.fs" }] });
refuses("a wrong number", routerWith({ client: { requeueBudget: { ttlSecs: 61 } } }));
refuses(
  "a key that is not built",
  routerWith({ client: { requestAuthorizers: [{ kind: "io.l5d.k8s.istio" }] } }),
);
refuses("a global client with entries", routerWith({ client: { configs: [] } }));
refuses("a file without routers", {});

test("the example plugin names requests by tenant and host", () => {
  const plugin = registry.get("identifier", "example.tenant");
  const context = { dstPrefix: Path.read("/svc") } as IdentifierContext;
  const identifier = plugin.create({ domain: "example.com" }, context);
  const name = (host: string): string => {
    const request: RequestView = { method: "GET", target: "/", version: "1.1", header: () => host };
    const found = identifier.identify(request);
    return found instanceof Path ? found.show() : found.reason;
  };
  assert.equal(name("Web.Blue.example.com:4140"), "/svc/blue/web");
  assert.equal(name("blue.example.com"), "host is not <service>.<tenant>.<domain>");
  assert.equal(name("example.org"), "host is not <service>.<tenant>.<domain>");
  assert.deepEqual(files, [path.join(folder, "plugins/tenant-identifier.mjs")]);
});
