/** The interpreters `default` and `io.l5d.fs`. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Bound, Dtab, NameTree, Path, type State } from "../../dtab/index.ts";
import { builtinNamers } from "../../namers/builtin/global.ts";
import defaultInterpreter from "../../plugins/interpreters/default.ts";
import { createFsInterpreter } from "../../plugins/interpreters/fs.ts";
import { realClock } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { recordedLog } from "../kit/log.ts";
import { observe } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { tempDir } from "../kit/temp-dir.ts";

const context = () => {
  const log = recordedLog();
  const ctx = { ...pluginContext(), clock: realClock, log };
  return { ...ctx, namers: builtinNamers(ctx) };
};

const show = (state: State<NameTree<Bound>>): string => {
  if (state.tag === "failed") return state.error.message;
  return state.tag === "ok" ? NameTree.show(NameTree.map(state.value, (bound) => bound.id)) : "pending";
};

test("default binds by the dtab that it is asked with, and explains by it", () => {
  const interpreter = defaultInterpreter.create({}, context());
  const dtab = Dtab.read("/svc=>/$/inet/127.1");
  assert.equal(show(interpreter.bind(dtab, Path.read("/svc/80")).sample()), "/$/inet/127.1/80");
  const explained = interpreter.delegate?.(dtab, Path.read("/svc/80")).sample();
  assert.equal(explained?.tag === "ok" && explained.value.tag, "delegate");
  const own = interpreter.dtab?.().sample();
  assert.ok(own?.tag === "ok" && own.value.isEmpty);
});

test("the dtab of the file stands before the router's, and its changes reach bound names", async () => {
  using dir = tempDir();
  dir.write("web.dtab", "/svc => /$/inet/127.1/1 ;\n");
  const interpreter = createFsInterpreter(join(dir.path, "web.dtab"), context());
  const plain = observe(interpreter.bind(Dtab.empty, Path.read("/svc")).states);
  const overridden = observe(
    interpreter.bind(Dtab.read("/svc => /$/inet/127.1/9"), Path.read("/svc")).states,
  );
  await eventually(() => assert.equal(show(plain.last()), "/$/inet/127.1/1"));
  await eventually(() => assert.equal(show(overridden.last()), "/$/inet/127.1/9"));
  dir.replace("web.dtab", "/svc => /$/inet/127.1/2");
  await eventually(() => assert.equal(show(plain.last()), "/$/inet/127.1/2"));
  plain.close();
  overridden.close();
});

test("a bad update, and a file that goes, keep the last good dtab and are reported", async () => {
  using dir = tempDir();
  const file = join(dir.path, "web.dtab");
  dir.write("web.dtab", "/svc => /$/nil");
  const ctx = context();
  const interpreter = createFsInterpreter(file, ctx);
  const watch = observe(interpreter.bind(Dtab.empty, Path.read("/svc")).states);
  await eventually(() => assert.equal(show(watch.last()), "$"));
  dir.write("web.dtab", "/svc => /$/nil ;\n/a = /b");
  await eventually(() => assert.equal(ctx.log.lines.length, 1));
  const [line = ""] = ctx.log.lines;
  assert.ok(line.includes(`${file}:2:5: '>' expected but ' ' found`), line);
  assert.ok(line.endsWith("the last good dtab is kept"), line);
  dir.remove("web.dtab");
  await eventually(() => assert.equal(ctx.log.lines.length, 2));
  assert.equal(show(watch.last()), "$");
  assert.match(JSON.stringify(interpreter.state()), /"lastError":"cannot read the dtab file: ENOENT/);
  dir.write("web.dtab", "/svc => !");
  await eventually(() => assert.equal(show(watch.last()), "!"));
  watch.close();
});

test("a file that was never good fails names with the place of the mistake, and a repair is noticed", async () => {
  using dir = tempDir();
  dir.write("web.dtab", "this is no dtab");
  const interpreter = createFsInterpreter(join(dir.path, "web.dtab"), context());
  const watch = observe(interpreter.bind(Dtab.empty, Path.read("/svc")).states);
  await eventually(() => assert.match(show(watch.last()), /web\.dtab:1:1: '\/' expected but 't' found/));
  dir.write("web.dtab", "/svc => !");
  await eventually(() => assert.equal(show(watch.last()), "!"));
  watch.close();
});
