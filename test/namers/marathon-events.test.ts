/** Marathon's event stream by a clock that stands still: silence, waiting, and what an event is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Events, theList } from "../../namers/marathon/events.ts";
import { readServerEvents } from "../../namers/marathon/server-events.ts";
import { fakeClock } from "../kit/clock.ts";
import { observe } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";

async function* chunksOf(...chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}

/** Streams that say nothing until they are told to. */
function silentStreams() {
  const clock = fakeClock();
  let opened = 0;
  let open = 0;
  let say: (chunk: string) => void = () => {};
  const events = new Events(
    async (signal) => {
      opened++;
      open++;
      signal.addEventListener("abort", () => open--);
      const chunks = {
        async *[Symbol.asyncIterator]() {
          for (;;) {
            yield await new Promise<string>((resolve, reject) => {
              say = resolve;
              signal.addEventListener("abort", () => reject(new Error("aborted")));
            });
          }
        },
      };
      return { status: 200, chunks };
    },
    { ...pluginContext(), clock },
  );
  return { clock, events, opened: () => opened, open: () => open, say: (chunk: string) => say(chunk) };
}

test("a stream that falls silent is opened anew after a minute, and beats keep it", async () => {
  const { clock, events, opened, open, say } = silentStreams();
  const following = observe(events.following);
  await clock.advance(0);
  for (let beat = 0; beat < 5; beat++) {
    await clock.advance(50_000);
    say("\r\n");
  }
  await clock.advance(59_000);
  assert.deepEqual([opened(), open()], [1, 1]);
  await clock.advance(5_000);
  assert.deepEqual([opened(), open()], [2, 1]);
  await clock.advance(600_000);
  assert.equal(open(), 1);
  following.close();
  await clock.advance(0);
  assert.deepEqual([open(), clock.sleepers], [0, 0]);
});

test("whoever waits wakes for a change of its app, at once for one that came before, and else in time", async () => {
  const { clock, events, say } = silentStreams();
  const following = observe(events.following);
  await clock.advance(0);
  const signal = new AbortController().signal;
  const since = events.last;
  const woken: string[] = [];
  const wait = (name: string) => void events.after(since, name, 5_000, signal).then(() => woken.push(name));
  for (const name of ["/a", "/b", theList]) wait(name);
  say('data: {"eventType":"status_update_event","appId":"/a"}\n\n');
  await clock.advance(0);
  assert.deepEqual(woken, ["/a"]);
  wait("/a");
  await clock.advance(0);
  assert.deepEqual(woken, ["/a", "/a"]);
  await clock.advance(5_000);
  assert.deepEqual(woken, ["/a", "/a", "/b", theList]);
  following.close();
  await clock.advance(0);
});

test("a wait ends with its signal", async () => {
  const { clock, events } = silentStreams();
  const ending = new AbortController();
  const wait = events.after(0, "/a", 5_000, ending.signal);
  ending.abort();
  await wait;
  await clock.advance(0);
  assert.equal(clock.sleepers, 0);
});

test("events are read however they are cut, and what the end cuts off is none", async () => {
  const text = ': beat\r\n\r\nevent: a\r\ndata: {"x":\r\ndata: 1}\r\n\r\ndata:2\n\nid: 7\n\ndata: 3\n';
  for (let at = 0; at <= text.length; at++) {
    const read: string[] = [];
    for await (const data of readServerEvents(chunksOf(text.slice(0, at), text.slice(at)))) read.push(data);
    assert.deepEqual(read, ['{"x":\n1}', "2"], `cut at ${at}`);
  }
});

test("an event without an end is refused before it fills memory", async () => {
  const long = "x".repeat(1024 * 1024);
  const read = async (): Promise<void> => {
    for await (const _ of readServerEvents(chunksOf("data: ", long, long, long, long, long)));
  };
  await assert.rejects(read(), /an event is longer/);
});
