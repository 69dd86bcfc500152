/** The import rules of the architecture hold in the whole tree, and the checks themselves can fail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaint, cycles } from "./rules.ts";
import { code, type Import, importsOf, product, type SourceFile, sources } from "./source-tree.ts";

const byName = new Map(sources.map((file) => [file.name, file]));

const importGraph = new Map(
  sources.map(({ name, imports }) => [
    name,
    imports.filter(({ kind }) => kind === "ours").map(({ target }) => target),
  ]),
);

test("every file of the product imports only what its folder may", () => {
  const complaints = product.flatMap(({ name, imports }) => imports.map((each) => complaint(name, each)));
  assert.deepEqual(
    complaints.filter((each) => each !== undefined),
    [],
  );
});

test("nothing of the product imports tests, benchmarks or scripts", () => {
  const outside = product.flatMap(({ name, imports }) =>
    imports
      .filter(({ target }) => /^(test|bench|scripts|demo)\//.test(target))
      .map(({ target }) => `${name} imports ${target}`),
  );
  assert.deepEqual(outside, []);
});

test("no file imports itself through others, types included", () => {
  assert.deepEqual(
    cycles(importGraph).map((cycle) => cycle.join(" → ")),
    [],
  );
});

test("every imported file is there", () => {
  const names = new Set(sources.map(({ name }) => name));
  const missing = sources.flatMap(({ name, imports }) =>
    imports
      .filter(({ kind, target }) => kind === "ours" && target.endsWith(".ts") && !names.has(target))
      .map(({ target }) => `${name} imports ${target}`),
  );
  assert.deepEqual(missing, []);
});

test("what a data worker loads has no npm package and no slow codec in it", () => {
  const reached = reachable(["daemon/data/worker.ts"], (file) =>
    file.imports.filter(({ kind, value }) => kind === "ours" && value),
  );
  assert.ok(reached.size > 10, `only ${reached.size} files are reached: is the graph whole?`);
  const heavy = sources
    .filter(({ name }) => reached.has(name))
    .flatMap(({ name, imports }) =>
      imports
        .filter(
          ({ kind, target, value }) => value && (kind === "package" || /^node:(https?|http2)$/.test(target)),
        )
        .map(({ target }) => `${name} imports ${target}`),
    );
  assert.deepEqual(heavy, []);
});

/** What is there before the part that will use it, and which part that is. */
const awaited: Readonly<Record<string, string>> = {
  "daemon/data/router/grpc-status.ts":
    "gRPC over HTTP/2; until then the conformance vectors of headers hold it",
};

test("every file of the product is part of the daemon", () => {
  const roots = ["daemon/main.ts", "daemon/data/worker.ts", "plugins/api.ts"];
  const reached = reachable(roots, (file) => file.imports.filter(({ kind }) => kind === "ours"));
  const idle = product.filter(({ name }) => !reached.has(name)).map(({ name }) => name);
  assert.deepEqual(idle, Object.keys(awaited));
});

test("only main.ts knows the process, and who takes Node's handles from it", () => {
  const knowing = ["daemon/main.ts", "daemon/data/transport/node-handles.ts"];
  const guilty = product
    .filter(({ name }) => !knowing.includes(name))
    .filter(
      ({ imports, text }) => imports.some(({ target }) => target === "node:process") || usesProcess(text),
    )
    .map(({ name }) => name);
  assert.deepEqual(guilty, []);
});

/** The files that are reached from `roots` over the imports that `follow` picks. */
function reachable(
  roots: readonly string[],
  follow: (file: SourceFile) => readonly Import[],
): ReadonlySet<string> {
  const reached = new Set<string>();
  const todo = [...roots];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const file = byName.get(name);
    if (file === undefined || reached.has(name)) continue;
    reached.add(name);
    todo.push(...follow(file).map(({ target }) => target));
  }
  return reached;
}

/** A use of the global, not the word in a text or a comment. */
function usesProcess(text: string): boolean {
  const bare = code(text).replaceAll(/\/\/.*$/gm, "");
  return /(?<![\w."'`/-])process\.[a-z]/.test(bare);
}

test("an import against the rules is found", () => {
  const ours = (target: string) => ({ target, kind: "ours", value: true }) as const;
  assert.match(
    complaint("dtab/path.ts", { target: "node:fs", kind: "node", value: true }) ?? "",
    /may not import node:fs/,
  );
  assert.match(complaint("daemon/data/worker.ts", ours("daemon/control/binder.ts")) ?? "", /may not/);
  assert.match(complaint("daemon/control/binder.ts", ours("daemon/data/worker.ts")) ?? "", /may not/);
  assert.match(complaint("plugins/balancers/p2c.ts", ours("plugins/balancers/ewma.ts")) ?? "", /may not/);
  assert.match(complaint("namers/fs.ts", ours("namers/rewrite.ts")) ?? "", /may not/);
  assert.match(complaint("namers/fs.ts", ours("plugins/contract/namer.ts")) ?? "", /may not/);
  assert.match(complaint("plugins/contract/namer.ts", ours("plugins/contract.ts")) ?? "", /may not/);
  assert.match(
    complaint("daemon/data/router/router.ts", ours("plugins/identifiers/path.ts")) ?? "",
    /may not/,
  );
  assert.equal(complaint("namers/k8s/watch.ts", ours("namers/k8s/list.ts")), undefined);
});

test("a cycle is found and told", () => {
  const graph = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["b"]],
  ]);
  assert.deepEqual(cycles(graph), [["b", "c", "b"]]);
});

test("imports are read in every form, and not out of comments", () => {
  const text = `/** import "no" */\nimport type { A } from "./a.ts";\nimport {\n  b,\n} from "../b.ts";\nexport * from "./c.ts";
import "side";\nconst d = await import("node:d");\n// import "no";\n`;
  assert.deepEqual(
    importsOf("x/y.ts", text).map(({ target, kind, value }) => `${kind} ${target} ${value}`),
    ["ours x/a.ts false", "ours b.ts true", "ours x/c.ts true", "package side true", "node node:d true"],
  );
});
