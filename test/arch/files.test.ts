/** Every source file says what it is for, explains what it exports, and stays small. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { product, type SourceFile, sources } from "./source-tree.ts";

const maxLines = 300;

test("every file starts with a comment that says what it is for", () => {
  const mute = sources
    .filter(({ text }) => !/^(#!.*\n)?\/\*\*\s*(\n \* )?\S/.test(text))
    .map(({ name }) => name);
  assert.deepEqual(mute, []);
});

test("every exported name of the product has a doc comment", () => {
  assert.deepEqual(product.flatMap(undocumented), []);
});

test("a file of more than 300 lines says in its header why it is one file", () => {
  const long = sources
    .filter(({ name }) => !name.startsWith("test/"))
    .filter(({ text }) => text.split("\n").length > maxLines + 1)
    .filter(({ text }) => !/\b(one file|in one place|300 lines)\b/.test(header(text)))
    .map(({ name, text }) => `${name} (${text.split("\n").length - 1} lines)`);
  assert.deepEqual(long, []);
});

test("an export without a doc comment is found", () => {
  const text = `/** A file. */\nexport const a = 1;\n\n/** Two. */\nexport const d = 1;\nexport const e = 2;\n/** Three. */\nexport function b() {}\nexport type c = 1;\n`;
  assert.deepEqual(undocumented({ name: "x.ts", text, imports: [] }), ["x.ts: a", "x.ts: c"]);
});

/** The exported names without a comment right above one of their declarations; a type and its companion share one. */
function undocumented({ name, text }: SourceFile): string[] {
  const lines = text.split("\n");
  const documented = new Map<string, boolean>();
  for (const [at, line] of lines.entries()) {
    const exported =
      /^export (?:declare |abstract |async )*(?:const|let|function\*?|class|interface|type) ([\w$]+)/.exec(
        line,
      )?.[1];
    if (exported === undefined) continue;
    // A run of constants, a line each, shares the comment above the first.
    let above = at - 1;
    while (/^\s*\/\/ biome-ignore|^export const .*;(\s*\/\/.*)?$/.test(lines[above] ?? "")) above--;
    const has = above > 0 && /\*\/\s*$/.test(lines[above] ?? "") && !isHeader(lines, above);
    documented.set(exported, (documented.get(exported) ?? false) || has);
  }
  return [...documented].filter(([, has]) => !has).map(([exported]) => `${name}: ${exported}`);
}

/** The comment of the file itself, on its first lines, is no comment of the first export. */
function isHeader(lines: readonly string[], end: number): boolean {
  return lines.slice(0, end).every((line) => line.startsWith("/**") || line.startsWith(" *"));
}

const header = (text: string): string => /^(?:#!.*\n)?(?:\/\*[\s\S]*?\*\/)/.exec(text)?.[0] ?? "";
