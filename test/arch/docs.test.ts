/** What the documents say is so: links lead somewhere, every example is explained, every error code is listed. */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { errorKinds } from "../../plugins/errors.ts";
import { root } from "./source-tree.ts";

const pages = globSync(["*.md", "docs/**/*.md", "deploy/**/*.md"], { cwd: root }).toSorted();
const read = (name: string): string => readFileSync(path.join(root, name), "utf8");
const scripts = (JSON.parse(read("package.json")) as { scripts: Record<string, string> }).scripts;

test("every link between the documents leads to a file", () => {
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = ""]) => target.replace(/#.*$/, ""))
      .filter((target) => target !== "" && !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(path.join(root, path.dirname(page), target)))
      .map((target) => `${page} links to ${target}`),
  );
  assert.deepEqual(broken, []);
});

test("every example configuration is mentioned in a document", () => {
  const examples = globSync("config/examples/*.yaml", { cwd: root }).map((file) => path.basename(file));
  assert.ok(examples.length > 0);
  const text = pages.map(read).join("\n");
  assert.deepEqual(
    examples.filter((example) => !text.includes(example)),
    [],
  );
});

test("every npm script that the documents name is there", () => {
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/npm run ([\w-]+)/g)].map(([, name = ""]) => name),
  );
  assert.deepEqual(
    [...new Set(named)].filter((name) => !(name in scripts)),
    [],
  );
});

test("docs/errors.md has every error code with its status and stage, and no other", () => {
  const rows = new Map(
    [...read("docs/errors.md").matchAll(/^\| *`(E_\w+)` *\|(.*)$/gm)].map(([, code = "", rest = ""]) => [
      code,
      rest,
    ]),
  );
  assert.deepEqual([...rows.keys()].toSorted(), Object.keys(errorKinds).toSorted());
  for (const [code, { status, stage }] of Object.entries(errorKinds)) {
    assert.match(
      rows.get(code) ?? "",
      new RegExp(`\\b${status}\\b.*\\b${stage}\\b|\\b${stage}\\b.*\\b${status}\\b`),
      code,
    );
  }
});

test("the changelog tells the version of the package", () => {
  const { version } = JSON.parse(read("package.json")) as { version: string };
  assert.match(read("CHANGELOG.md"), new RegExp(`^## ${version.replaceAll(".", "\\.")}\\b`, "m"));
});
