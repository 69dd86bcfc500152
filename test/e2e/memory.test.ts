/** What a process keeps in memory: the code of what its configuration names, and nothing that its start left behind. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { importsOf, root } from "../arch/source-tree.ts";
import { eventually } from "../kit/eventually.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { run } from "./program-rig.ts";

/** Notes every module that a thread loads, in a file per thread. */
const noteModules = (folder: string): string =>
  `data:text/javascript,${encodeURIComponent(`
    import { appendFileSync } from "node:fs";
    import { registerHooks } from "node:module";
    import { threadId } from "node:worker_threads";
    registerHooks({ load(url, context, next) {
      appendFileSync(${JSON.stringify(folder)} + "/" + (threadId === 0 ? "control" : "data"), url + "\\n");
      return next(url, context);
    } });
  `)}`;

/** The files of the plugins that are loaded when they are named. */
const listed = ["daemon/control/builtin.ts", "daemon/data/builtin.ts"].flatMap((name) => {
  const text = readFileSync(path.join(root, name), "utf8");
  const named = [...text.matchAll(/^ {2}lazily\([^;]*?import\("([^"]+)"\)/gm)].map(([, file]) => file);
  const imports = importsOf(name, text).map(({ target }) => target);
  return named
    .map((file) => path.posix.join(path.posix.dirname(name), file!))
    .filter((file) => imports.includes(file));
});

test("neither thread loads what the configuration does not ask for: other plugins, and what Node.js has for them", async (t) => {
  const folder = tempDir();
  t.after(() => folder[Symbol.dispose]());
  await run(t, { env: { NODE_OPTIONS: `--import ${noteModules(folder.path)}` } });
  const loaded = (thread: string): readonly string[] =>
    readFileSync(path.join(folder.path, thread), "utf8").trim().split("\n");
  const control = loaded("control");
  const costly = /^node:(crypto|tls|https?|http2|zlib)$/;
  const data = loaded("data");
  const ours = [...control, ...data]
    .filter((url) => url.startsWith("file:"))
    .map((url) => path.relative(root, fileURLToPath(url)));
  assert.ok(ours.includes("daemon/control/supervisor.ts") && ours.includes("daemon/data/worker.ts"));
  assert.ok(listed.length > 40, `${listed.length} listed`);
  assert.deepEqual(
    [...control, ...data].filter((url) => costly.test(url)),
    [],
  );
  assert.deepEqual(
    listed.filter((file) => ours.includes(file)),
    [],
  );
  assert.deepEqual(
    ours.filter((file) => /^namers\/(?!builtin\/|lib\/resolve\.ts$|zookeeper\/lazy-system\.ts$)/.test(file)),
    [],
  );
});

/** Notes each collection of the control thread that was to leave nothing. */
const noteCollections = (file: string): string =>
  `data:text/javascript,${encodeURIComponent(`
    import { appendFileSync } from "node:fs";
    import { constants, PerformanceObserver } from "node:perf_hooks";
    import { isMainThread } from "node:worker_threads";
    const wanted = constants.NODE_PERFORMANCE_GC_FLAGS_ALL_AVAILABLE_GARBAGE;
    if (isMainThread) new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) if (detail.flags & wanted) appendFileSync(${JSON.stringify(file)}, "1");
    }).observe({ entryTypes: ["gc"] });
  `)}`;

test("what the start left behind is collected once it is over", async (t) => {
  const folder = tempDir();
  t.after(() => folder[Symbol.dispose]());
  const file = path.join(folder.path, "collections");
  await run(t, { env: { NODE_OPTIONS: `--import ${noteCollections(file)}` } });
  await eventually(() => assert.match(readFileSync(file, "utf8"), /^1+$/));
});
