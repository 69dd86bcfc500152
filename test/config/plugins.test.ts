/** The registry, and the user's own plugins: files, packages, and what is wrong with them. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { Type } from "../../config/type.ts";
import { builtinRegistry } from "../../daemon/builtin.ts";
import { readConfig } from "../../daemon/cli/read-config.ts";
import { definePlugin } from "../../plugins/contract.ts";
import { lazily, loadUserPlugins, Registry } from "../../plugins/registry.ts";

const fails = definePlugin({
  slot: "labeler",
  kind: "io.l5d.fails",
  schema: Type.Object({}),
  create: () => ({ perConnection: false, label: () => "never" }),
});

test("a kind is found whole or short, in its slot only", () => {
  const registry = new Registry([fails]);
  assert.equal(registry.find("labeler", "io.l5d.fails"), fails);
  assert.equal(registry.find("labeler", "fails"), fails);
  assert.equal(registry.find("labeler", "Fails"), undefined);
  assert.equal(registry.find("namer", "io.l5d.fails"), undefined);
});

test("two plugins of one slot and kind are refused, short forms included", () => {
  const registry = new Registry([fails]);
  assert.throws(() => registry.add(fails), /two plugins of slot labeler and kind io\.l5d\.fails/);
  assert.throws(() => registry.add({ ...fails, kind: "fails" }), /two plugins of slot labeler/);
  registry.add({ ...fails, slot: "namer" });
});

test("a plugin is loaded when its kind is named, whole or short, in whichever slot, and once", async () => {
  const loads: string[] = [];
  const list = (slot: "labeler" | "telemeter", kind: string) =>
    lazily(slot, kind, async () => {
      loads.push(`${slot} ${kind}`);
      return {
        default: definePlugin({ slot, kind, schema: Type.Object({}), create: fails.create }) as never,
      };
    });
  const registry = new Registry([
    list("labeler", "io.l5d.a"),
    list("telemeter", "io.l5d.a"),
    list("labeler", "b"),
  ]);
  assert.deepEqual(registry.kinds("labeler"), ["io.l5d.a", "b"]);
  assert.throws(() => registry.find("labeler", "a"), /slot labeler and kind io\.l5d\.a is not loaded/);
  await registry.load(["a", "never heard of"]);
  assert.equal(registry.find("labeler", "io.l5d.a")?.kind, "io.l5d.a");
  assert.equal(registry.find("telemeter", "a")?.kind, "io.l5d.a");
  assert.throws(() => registry.find("labeler", "b"), /not loaded/);
  await registry.load(["io.l5d.a"]);
  assert.deepEqual(loads, ["labeler io.l5d.a", "telemeter io.l5d.a"]);
  assert.throws(() => registry.add(fails) ?? registry.add(list("labeler", "fails")), /two plugins/);
});

test("a file with another plugin than its line in the list says is refused", async () => {
  const registry = new Registry([lazily("labeler", "io.l5d.other", async () => ({ default: fails }))]);
  await assert.rejects(
    registry.loadAll(),
    /labeler io\.l5d\.other is listed where labeler io\.l5d\.fails is/,
  );
});

test("every plugin that comes with the daemon is where its list says", async () => {
  const registry = builtinRegistry();
  await registry.loadAll();
  for (const { slot, kind } of registry.plugins())
    assert.ok(registry.find(slot, kind)?.schema, `${slot} ${kind}`);
});

const folder = mkdtempSync(path.join(tmpdir(), "pointsman-plugins-"));
after(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string): void => {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
};
const source = (kind: string): string =>
  `import { definePlugin, Type } from "pointsman/plugin";
export default definePlugin({ slot: "identifier", kind: "${kind}", schema: Type.Object({ port: Type.Integer() }), create: () => ({ identify: () => { throw new Error("no"); } }) });`;

test("files, lists, TypeScript and packages are loaded, from the folder of the configuration", async () => {
  write("one.mjs", source("one"));
  write("two.ts", source("two").replace("create: ()", "create: (_: unknown)"));
  write(
    "list.mjs",
    'import one from "./one.mjs"; export default [{ ...one, kind: "a" }, { ...one, kind: "b" }];',
  );
  write(
    "node_modules/for-import/package.json",
    '{"name": "for-import", "exports": {".": {"import": "./main.mjs"}}}',
  );
  write("node_modules/for-import/main.mjs", source("packed"));
  write("node_modules/@me/plain/package.json", '{"name": "@me/plain", "main": "main.mjs"}');
  write("node_modules/@me/plain/main.mjs", source("plain"));
  const registry = new Registry();
  const { files, problems } = await loadUserPlugins(
    ["./one.mjs", "two.ts", "./list.mjs", "for-import", "@me/plain"],
    folder,
    registry,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(registry.kinds("identifier"), ["one", "two", "a", "b", "packed", "plain"]);
  assert.deepEqual(
    files.map((file) => path.relative(folder, file)),
    ["one.mjs", "two.ts", "list.mjs", "node_modules/for-import/main.mjs", "node_modules/@me/plain/main.mjs"],
  );
  // As a worker does: by absolute paths, from anywhere.
  assert.deepEqual((await loadUserPlugins(files, "/", new Registry())).problems, []);
});

test("what cannot be loaded is told with its place in the list", async () => {
  write("throws.mjs", 'throw new Error("not today");');
  write("nothing.mjs", "export const a = 1;");
  write("slot.mjs", 'export default { slot: "balancr", kind: "a", schema: {}, create() {} };');
  const specs = ["./absent.mjs", "no-such-package", "./throws.mjs", "./nothing.mjs", "./slot.mjs"];
  const { problems, files } = await loadUserPlugins(specs, folder, new Registry());
  assert.deepEqual(files, []);
  assert.deepEqual(
    problems.map(({ index }) => index),
    [0, 1, 2, 3, 4],
  );
  const patterns = [
    /absent\.mjs/,
    /no-such-package/,
    /throws\.mjs": not today/,
    /no default export/,
    /slot must be one of .*"balancr"/,
  ];
  for (const [index, pattern] of patterns.entries()) assert.match(problems[index]!.message, pattern);
});

test("a configuration's plugins are loaded before it is checked, and their blocks are checked by their schemas", async () => {
  write("own.mjs", source("own"));
  const file = path.join(folder, "linkerd.yaml");
  const text = (port: string): string =>
    `plugins: [./own.mjs]\nrouters:\n- protocol: http\n  identifier: {kind: own, port: ${port}}\n  servers: [{port: 0}]\n`;
  const good = await readConfig(file, text("5"));
  assert.deepEqual(good.issues, []);
  assert.deepEqual(good.config!.plugins, [path.join(folder, "own.mjs")]);
  assert.deepEqual(good.config!.routers[0]!.identifier, [{ kind: "own", port: 5 }]);
  const bad = await readConfig(file, text("five"));
  assert.deepEqual(
    bad.issues.map(({ line, col, path: at, message }) => [line, col, at, message]),
    [[4, 33, "routers[0].identifier.port", 'expected integer, got "five"']],
  );
  const gone = await readConfig(file, text("5").replace("own.mjs", "gone.mjs"));
  assert.deepEqual(
    gone.issues.map(({ line, col, path: at, code }) => [line, col, at, code]),
    [
      [1, 11, "plugins[0]", "plugin"],
      [4, 22, "routers[0].identifier.kind", "unknown-kind"],
    ],
  );
});
