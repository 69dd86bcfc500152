/** What the control thread watches for plugins of the data plane: when it starts, what workers are told, when it ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkerdConfig } from "../../config/schema.ts";
import { Type } from "../../config/type.ts";
import { Feeds } from "../../daemon/control/feeds.ts";
import { FeedValues } from "../../daemon/data/feed-values.ts";
import { feedKey, type ToWorker } from "../../daemon/shared/messages.ts";
import { Activity, State, Var } from "../../dtab/index.ts";
import { definePlugin } from "../../plugins/contract.ts";
import { Registry } from "../../plugins/registry.ts";
import { fakeClock, settle } from "../kit/clock.ts";
import { recordedLog } from "../kit/log.ts";
import { pluginContext } from "../kit/plugin-context.ts";

const block = (name: string) => ({ kind: "test.fed", name });
const config = (...identifiers: object[]) =>
  ({ routers: [{ label: "http", identifier: identifiers }] }) as unknown as LinkerdConfig;

/** Feeds whose source is a Var per name. */
function rig() {
  const sources = new Map<string, { state: ReturnType<typeof mutable>; running: boolean }>();
  const mutable = () => Var.mutable<State<unknown>>(State.pending);
  const of = (name: string) => {
    const source = sources.get(name) ?? { state: mutable(), running: false };
    sources.set(name, source);
    return source;
  };
  const plugin = definePlugin({
    slot: "feed",
    kind: "test.fed",
    schema: Type.Object({ name: Type.String() }),
    create: ({ name }) => {
      const source = of(name);
      const states = Var.async<State<unknown>>(State.pending, (set, signal) => {
        source.running = true;
        const observation = source.state.observe(set);
        signal.addEventListener("abort", () => {
          source.running = false;
          observation.close();
        });
      });
      return { values: Activity.of(states), state: () => ({ name }) };
    },
  });
  const clock = fakeClock();
  const log = recordedLog();
  const told: ToWorker[] = [];
  const send = (message: ToWorker) => void told.push(message);
  const feeds = new Feeds({ clock, log, send, keep: () => undefined, context: () => pluginContext() });
  return { feeds, registry: new Registry([plugin]), clock, log, told, of };
}

test("workers start with what a feed said first, and are told what it says later, bursts together", async () => {
  const { feeds, registry, clock, told, of } = rig();
  const key = feedKey(block("a"));
  of("a").state.set(State.ok([1]));
  const start = await feeds.prepare(config(block("a"), { kind: "io.l5d.header" }), registry);
  assert.deepEqual(start, { [key]: [1] });
  for (const value of [[2], [3], [4]]) of("a").state.set(State.ok(value));
  of("a").state.set(State.failed(new Error("away")));
  assert.deepEqual(told, []);
  await clock.advance(200);
  assert.deepEqual(told, [{ type: "feed", key, value: [4] }]);
  assert.deepEqual(feeds.values(), { [key]: [4] });
  assert.deepEqual(feeds.reader(block("a"))(), [4]);
  assert.deepEqual(feeds.state(block("a"))?.(), { name: "a" });
  feeds.close();
  await settle();
  assert.equal(of("a").running, false);
});

test("a feed that says nothing holds a start up for five seconds, and is told at once when it does", async () => {
  const { feeds, registry, clock, log, told, of } = rig();
  let started: unknown = "not yet";
  void feeds.prepare(config(block("a")), registry).then((values) => (started = values));
  await clock.advance(4_900);
  assert.equal(started, "not yet");
  await clock.advance(200);
  const key = feedKey(block("a"));
  assert.deepEqual(started, { [key]: undefined });
  assert.equal(log.lines.length, 1);
  of("a").state.set(State.ok("here"));
  await settle();
  assert.deepEqual(told, [{ type: "feed", key, value: "here" }]);
  feeds.close();
});

test("a reload keeps the feeds that are still named, and ends the others", async () => {
  const { feeds, registry, of } = rig();
  for (const name of ["a", "b"]) of(name).state.set(State.ok(name));
  await feeds.prepare(config(block("a")), registry);
  await feeds.prepare(config(block("b")), registry);
  assert.deepEqual([of("a").running, of("b").running], [true, true]);
  feeds.keep(config(block("b")));
  await settle();
  assert.deepEqual([of("a").running, of("b").running], [false, true]);
  feeds.close();
});

test("a worker keeps what it was told last when it prepares with something older, and forgets what is gone", () => {
  const values = new FeedValues();
  const key = feedKey(block("a"));
  values.prepare({ [key]: 1 });
  const read = values.reader(block("a"));
  values.update(key, 2);
  values.prepare({ [key]: 1 });
  assert.equal(read(), 2);
  values.keep({});
  values.update(key, 3);
  assert.equal(read(), 2);
  assert.equal(values.reader(block("a"))(), undefined);
});
