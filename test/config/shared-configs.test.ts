/** The files of Linkerd 1's users: accepted, or refused for no other reason than what is not built yet. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { showIssue } from "../../config/errors.ts";
import { check } from "./kit.ts";

/** One file of the collection. */
interface Entry {
  readonly file: string;
  readonly type: string;
  readonly accepted?: boolean;
  readonly problems?: readonly string[];
}

const folder = new URL("../../../shared/configs/", import.meta.url);
const skip = existsSync(new URL("manifest.json", folder)) ? false : "the collection is not beside this clone";
const read = (file: string): string => readFileSync(new URL(file, folder), "utf8");
const entries = skip === false ? (JSON.parse(read("manifest.json")) as { files: Entry[] }).files : [];

const ofType = (type: string, accepted: boolean): readonly Entry[] =>
  entries.filter((entry) => entry.type === type && entry.accepted === accepted);

test("every file that Linkerd 1 accepts is accepted, but for what is not built", { skip }, async () => {
  let good = 0;
  const complaints: string[] = [];
  for (const { file } of ofType("linkerd", true)) {
    const { config, issues } = await check(read(file));
    if (config !== undefined) good++;
    complaints.push(
      ...issues.filter(({ code }) => code !== "not-built").map((issue) => showIssue(file, issue)),
    );
  }
  assert.deepEqual(complaints, []);
  assert.ok(good >= 8, `only ${good} files are accepted`);
});

/** Each problem of the manifest names its culprit, a key or a kind; one is about a block that is not built. */
const culprit = (problem: string): string | undefined => /"([^"]+)"/.exec(problem)?.[1];

test("every file that Linkerd 1 refuses is refused, and every culprit named that a built router has", {
  skip,
}, async () => {
  for (const { file, problems = [] } of ofType("linkerd", false)) {
    const { config, issues } = await check(read(file));
    const told = issues.map((issue) => showIssue(file, issue)).join("\n");
    assert.equal(config, undefined, file);
    for (const problem of problems) {
      // Of a router whose protocol is not built, only that is told.
      const router = /routers\[\d+\]/.exec(problem)?.[0];
      const unbuilt = issues.some(({ code, path }) => code === "not-built" && path === `${router}.protocol`);
      const word = culprit(problem) ?? "";
      if (!unbuilt) assert.ok(told.includes(word), `${file}: ${problem} is not told:\n${told}`);
    }
  }
});

test("every file of namerd is told for what it is", { skip }, async () => {
  for (const { file } of [...ofType("namerd", true), ...ofType("namerd", false)]) {
    const { issues } = await check(read(file));
    assert.deepEqual(
      issues.map(({ code }) => code),
      ["not-built"],
      file,
    );
    assert.match(issues[0]!.message, /a configuration of namerd/);
  }
});
