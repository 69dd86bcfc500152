/** docs/configuration.md and docs/plugins.md say what the schema and the registry say. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { movedKeys } from "../../config/moved-keys.ts";
import { notBuiltKeys } from "../../config/not-built.ts";
import { builtinRegistry } from "../../daemon/builtin.ts";
import { knownKinds } from "../../plugins/known-kinds.ts";
import { tables, withTables } from "./doc-tables.ts";

const file = (name: string): URL => new URL(`../../docs/${name}`, import.meta.url);
const read = (name: string): string => readFileSync(file(name), "utf8");
const pages = ["configuration.md", "overrides.md", "tls.md"];
if (process.env["UPDATE_DOCS"] === "1") {
  for (const page of pages) writeFileSync(file(page), withTables(read(page)));
}

test("every table of keys is the schema's", () => {
  for (const page of pages) assert.equal(read(page), withTables(read(page)), page);
});

test("every object of the schema has its table", () => {
  const page = pages.map(read).join("");
  const missing = Object.keys(tables).filter((name) => !page.includes(`<!-- keys: ${name} -->`));
  assert.deepEqual(missing, []);
});

test("every key has a description", () => {
  for (const [name, schema] of Object.entries(tables)) {
    for (const [key, value] of Object.entries(
      schema["properties"] as Record<string, { description?: string }>,
    )) {
      const isBuilt = notBuiltKeys[String(schema["place"])]?.[key] === undefined;
      if (isBuilt) assert.ok(value.description, `${name}.${key}`);
    }
  }
});

test("every kind that is built is listed on the page about plugins, and no other as built", () => {
  const page = read("plugins.md");
  const listed = [...page.matchAll(/^\| (\w+) +\| ([^|]*) \|/gm)].flatMap(([, slot, kinds]) =>
    [...kinds!.matchAll(/`([^`]+)`/g)].map(([, kind]) => `${slot} ${kind}`),
  );
  const built = [...builtinRegistry().plugins()].map(({ slot, kind }) => `${slot} ${kind}`);
  assert.deepEqual(listed.toSorted(), built.toSorted());
});

/** Kinds that Linkerd 1 does not have. */
const ours = ["namer dns", "transformer io.l5d.zone", "feed io.l5d.ingress"];

test("every built kind that Linkerd 1 has is spelt as it spells it", () => {
  for (const { slot, kind } of builtinRegistry().plugins()) {
    if (ours.includes(`${slot} ${kind}`)) continue;
    assert.ok(
      knownKinds[slot]!.some((known) => known.kind === kind),
      `${slot} ${kind}`,
    );
  }
});

test("no hint is about a key that is there", () => {
  for (const schema of Object.values(tables)) {
    const hints = Object.keys(movedKeys[String(schema["place"])] ?? {});
    const keys = Object.keys(schema["properties"] as object);
    assert.deepEqual(
      hints.filter((key) => keys.includes(key)),
      [],
    );
  }
});

test("the plugin on the page is the one of the examples", () => {
  const page = /```js\n([\s\S]*?)```/.exec(read("plugins.md"))![1];
  const example = readFileSync(
    new URL("../../config/examples/plugins/tenant-identifier.mjs", import.meta.url),
    "utf8",
  );
  assert.equal(example.replace(/^\/\*\*.*\*\/\n/, ""), page);
});
