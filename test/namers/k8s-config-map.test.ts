/** The interpreter of a ConfigMap, beyond what the vectors hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bound, Dtab, NameTree, Path } from "../../dtab/index.ts";
import { builtinNamers } from "../../namers/builtin/global.ts";
import { createConfigMap } from "../../namers/k8s/config-map.ts";
import { fakeClock, settle } from "../kit/clock.ts";
import { recordedLog } from "../kit/log.ts";
import { observe } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { notFound, scriptedApi } from "./k8s-api.ts";

const target = "/api/v1/namespaces/l5d/configmaps/dtabs";

const configMap = (version: number, data: object) => ({
  kind: "ConfigMap",
  metadata: { name: "dtabs", namespace: "l5d", resourceVersion: String(version) },
  data,
});
const modified = (version: number, text: string): string =>
  `${JSON.stringify({ type: "MODIFIED", object: configMap(version, { "web.dtab": text }) })}\n`;

/** The interpreter at work; what `/svc` is bound to under the router's dtab. */
async function bound(router = "") {
  const clock = fakeClock();
  const log = recordedLog();
  const server = scriptedApi({
    [target]: { body: configMap(1, { "web.dtab": "/svc => /$/inet/127.1/1" }) },
  });
  const base = { ...pluginContext(), clock, log };
  const options = { namespace: "l5d", name: "dtabs", filename: "web.dtab" };
  const interpreter = createConfigMap(options, { ...base, namers: builtinNamers(base) }, server.api);
  const open = () => observe(interpreter.bind(Dtab.read(router), Path.read("/svc")).states);
  const watch = open();
  await settle();
  const show = (look = watch): string => {
    const state = look.last();
    if (state.tag !== "ok") return state.tag;
    return NameTree.show(NameTree.map(state.value, (leaf: Bound) => leaf.id));
  };
  return { clock, log, server, interpreter, watch, open, show };
}

test("the router's dtab comes after that of the ConfigMap, and changes reach bound names", async () => {
  const { server, show, watch } = await bound();
  assert.equal(show(), "/$/inet/127.1/1");
  server.send("dtabs", modified(2, "/svc => /$/inet/127.1/2"));
  await settle();
  assert.equal(show(), "/$/inet/127.1/2");
  watch.close();
  const overridden = await bound("/svc => /$/inet/127.1/9");
  assert.equal(overridden.show(), "/$/inet/127.1/9");
  overridden.watch.close();
});

test("a bad dtab keeps the last good one, is told with its place, and costs no further requests", async () => {
  const { clock, log, server, interpreter, show, open, watch } = await bound();
  server.send("dtabs", modified(2, "/svc => /$/nil ;\n/svc ==> oops"));
  await clock.advance(10_000);
  assert.equal(show(), "/$/inet/127.1/1");
  assert.equal(server.lists.length, 1);
  assert.match(
    log.lines.join("\n"),
    /^warn: a ConfigMap holds no dtab: l5d\/dtabs web\.dtab:2:7: .*; the last/s,
  );
  assert.match(JSON.stringify(interpreter.state()), /"refused":"l5d\/dtabs web\.dtab:2:7: /);
  // Nobody looks for a while, and it is still bad.
  watch.close();
  await settle();
  server.answers.set(target, { body: configMap(2, { "web.dtab": "==> oops" }) });
  const again = open();
  await settle();
  assert.equal(show(again), "/$/inet/127.1/1");
  server.send("dtabs", modified(3, "/svc => /$/inet/127.1/3"));
  await settle();
  assert.equal(show(again), "/$/inet/127.1/3");
  assert.doesNotMatch(JSON.stringify(interpreter.state()), /refused/);
  again.close();
});

test("an API server that fails keeps the dtab, and one list that knows of no ConfigMap is not believed", async () => {
  const { clock, server, show, watch } = await bound();
  server.answers.set(target, { status: 500, body: "" });
  server.end(new Error("ECONNRESET"));
  await clock.advance(60_000);
  assert.equal(show(), "/$/inet/127.1/1");
  server.answers.set(target, notFound);
  await clock.advance(10_000);
  assert.equal(show(), "/$/inet/127.1/1");
  await clock.advance(15_000);
  assert.equal(show(), "~");
  server.send("dtabs", modified(9, "/svc => /$/inet/127.1/4").replace("MODIFIED", "ADDED"));
  await settle();
  assert.equal(show(), "/$/inet/127.1/4");
  watch.close();
});
