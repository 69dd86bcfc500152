/** Configurations and dtabs in the documents are taken by the program as they stand. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { Dtab } from "../../dtab/index.ts";
import { root } from "../arch/source-tree.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "pointsman-documents-"));
mkdirSync(path.join(folder, "disco"));
mkdirSync(path.join(folder, "tls"));
for (const name of ["authority.pem", "host.pem", "host-key.pem"]) {
  writeFileSync(path.join(folder, "tls", name), "");
}
writeFileSync(path.join(folder, "overrides.pem"), "");
after(() => rmSync(folder, { recursive: true, force: true }));

const read = (name: string): string => readFileSync(path.join(root, name), "utf8");
const blocks = (page: string, language: string): string[] =>
  [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, text = ""]) => text,
  );
const pages = ["README.md", ...globSync("docs/*.md", { cwd: root })].toSorted();

test("every whole configuration in the documents is accepted", () => {
  let count = 0;
  for (const page of pages) {
    for (const text of blocks(page, "yaml").filter(
      (block) => /^routers:/m.test(block) && block.includes("servers:"),
    )) {
      const file = path.join(folder, "linkerd.yaml");
      writeFileSync(file, text);
      const { status, stdout, stderr } = spawnSync(path.join(root, "bin/pointsman"), ["check", file], {
        cwd: folder,
        encoding: "utf8",
      });
      assert.equal(status, 0, `${page}:\n${text}\n${stdout}${stderr}`);
      count++;
    }
  }
  assert.ok(count > 0);
});

test("the README explains its configuration line by line, and nothing else", () => {
  const yaml = (blocks("README.md", "yaml")[0] ?? "").replaceAll(/ +=>/g, " =>");
  const table =
    read("README.md")
      .split(/^\| Line +\| What it does +\|$/m)[1]
      ?.split("\n\n")[0] ?? "";
  const explained = [...table.matchAll(/^\| (.*?) +\|/gm)].flatMap(([, cell = ""]) => [
    ...cell.matchAll(/`([^`]+)`/g),
  ]);
  const fragments = explained.map(([, code = ""]) => code);
  const unknown = fragments.filter((code) => !code.split(" … ").every((part) => yaml.includes(part)));
  assert.deepEqual(unknown, []);
  const lines = yaml
    .trim()
    .split("\n")
    .map((line) => line.replace(/^[\s-]+/, "").replace(/ \|$/, ""));
  const begins = fragments.map((code) => code.split(" … ")[0] ?? "");
  const silent = lines.filter((line) => !begins.some((begin) => line.startsWith(begin)));
  assert.deepEqual(silent, []);
});

test("the table of rules on the page about dtabs is a dtab", () => {
  const tables = blocks("docs/dtabs.md", "").filter((block) => block.includes("=>"));
  assert.ok(tables.length > 0);
  for (const text of tables) assert.ok(Dtab.read(text).dentries.length > 0);
});
