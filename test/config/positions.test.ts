/** Syntax errors inside a dtab point at the very character of the file, however YAML holds the text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseSource, type ScalarNode } from "../../config/source.ts";
import { complaints } from "./kit.ts";

const place = async (text: string): Promise<string> => {
  const found = await complaints(text);
  assert.equal(found.length, 1, found.join("\n"));
  return /^l5d\.yaml:(\d+:\d+):/.exec(found[0]!)![1]!;
};

const file = (dtab: string): string => `routers:\n- servers: [{}]\n  protocol: http\n  dtab: ${dtab}\n`;

test("in a literal block", async () => {
  assert.equal(await place(file("|\n    /a => /b ;\n    /c => ( /d ;")), "6:16");
});

test("in a literal block with an indentation of its own", async () => {
  assert.equal(await place(file("|2-\n     /a => /b ;\n\n      /c = /d")), "7:11");
});

test("in a folded block", async () => {
  assert.equal(await place(file(">\n    /a => /b ;\n    /c => /d |\n      ? ;")), "7:7");
});

test("in a plain text over several lines", async () => {
  assert.equal(await place(file("/a => /b ;\n    /c => ?")), "5:11");
});

test("in a double-quoted text with escapes", async () => {
  assert.equal(await place(file('"/a => /b;\\n /\\u0063 => ?"')), "4:33");
});

test("in a single-quoted text", async () => {
  assert.equal(await place(file("'/a => /b; /c => ''x'")), "4:26");
});

test("in JSON", async () => {
  assert.equal(
    await place('{"routers": [{"protocol": "http", "servers": [{}],\n "dtab": "/a => /b;\\n/c => ?"}]}'),
    "2:28",
  );
});

test("in a text whose lines end in CR LF", async () => {
  assert.equal(
    await place(file("|\r\n    /a => /b ;\r\n    /c => ?").replaceAll(/(?<!\r)\n/g, "\r\n")),
    "6:11",
  );
});

test("every visible character of a literal block is found again", () => {
  const line = fc.string({ unit: fc.constantFrom("/", "a", " ", "=", ">", ";", "#"), maxLength: 12 });
  fc.assert(
    fc.property(
      fc.array(line, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 6 }),
      (lines, indent) => {
        const body = lines.map((each) => `${" ".repeat(indent)}${each}`).join("\n");
        const text = `dtab: |${indent}\n${body}\n`;
        const { root } = parseSource(text);
        assert.ok(root?.tag === "map");
        const node = root.entries.get("dtab")!.value as ScalarNode;
        for (const [index, char] of [...node.text].entries()) {
          if (char !== " " && char !== "\n") assert.equal(text[node.offsetOf(index)], char);
        }
      },
    ),
  );
});
