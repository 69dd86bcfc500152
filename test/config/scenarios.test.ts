/** The scenarios of the area `config`, as far as they need no running daemon: who is refused, and for what. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { showIssue } from "../../config/errors.ts";
import { check, type Disk } from "./kit.ts";

/** What is read of a scenario. */
interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly area: string;
  readonly config?: string;
  readonly start?: {
    readonly fails?: boolean;
    readonly output?: { readonly contains?: string; readonly matches?: string };
  };
  readonly directories?: readonly string[];
}

const file = new URL("../conformance/scenarios/scenarios.json", import.meta.url);
const { scenarios } = JSON.parse(readFileSync(file, "utf8")) as { readonly scenarios: readonly Scenario[] };
const ofConfig = scenarios.filter(({ area, config }) => area === "config" && config !== undefined);

/** Their places are known only once h2 is built. */
const later = new Set(["config-rejects-h2-zero-segments"]);

function fill(text: string): string {
  const ports = new Map<string, number>();
  return text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    if (name === "DIR") return "/scenario";
    if (!ports.has(name)) ports.set(name, 20_000 + ports.size);
    return String(ports.get(name));
  });
}

test("the area is there", () => {
  assert.ok(ofConfig.length > 30, `${ofConfig.length} scenarios`);
});

for (const { id, title, config, start, directories = [] } of ofConfig) {
  const disk: Disk = { directories: directories.map((name) => `/scenario/${name}`) };
  const skip = later.has(id) ? "h2 is not built" : false;
  test(`${id}: ${title}`, { skip }, async () => {
    const { config: loaded, issues } = await check(fill(config!), disk);
    const told = issues.map((issue) => showIssue("linkerd.yaml", issue)).join("\n");
    if (start?.fails === true) {
      assert.equal(loaded, undefined);
      const { contains, matches } = start.output ?? {};
      if (contains !== undefined) assert.ok(told.includes(contains), told);
      if (matches !== undefined) assert.match(told, new RegExp(matches));
    } else {
      assert.deepEqual(
        issues.filter(({ code }) => code !== "not-built"),
        [],
        told,
      );
    }
  });
}
