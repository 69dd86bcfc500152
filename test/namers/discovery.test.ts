/** Watched names: what is kept, what is shared, and what is bounded. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Path } from "../../dtab/index.ts";
import { Discovery } from "../../namers/lib/discovery.ts";
import { completeOptions, type DiscoveryOptions } from "../../namers/lib/discovery-options.ts";
import type { Answer } from "../../namers/lib/supervise.ts";
import type { KeptName, KeptNames } from "../../plugins/contract.ts";
import { fakeClock } from "../kit/clock.ts";
import { recordedLog } from "../kit/log.ts";
import { recordedMetrics } from "../kit/metrics.ts";
import { observe } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";

const options: DiscoveryOptions<string> = {
  source: "the backend",
  pace: { waitMs: 20_000, contendedWaitMs: 1_000, deadlineMs: 5_000, relistMs: 300_000 },
  limits: { found: 4, first: 2, absent: 1, budget: { perSecond: 10, burst: 20 } },
  staleAfterMs: 60_000,
  firstFailure: "absent",
  show: (value) => `shown ${value}`,
};

/** A backend with names; a long poll ends when the test says so, or never. */
function rig(overrides: Partial<DiscoveryOptions<string>> = {}, kept?: KeptNames) {
  const clock = fakeClock();
  const log = recordedLog();
  const metrics = recordedMetrics();
  const ctx = { ...pluginContext(), clock, log, metrics, prefix: Path.read("/#/test"), kept };
  const backend = {
    names: new Map<string, string>(),
    asked: [] as string[],
    open: 0,
    most: 0,
    down: undefined as Error | undefined,
    wake: [] as (() => void)[],
  };
  const discovery = new Discovery<string, number>({ ...options, ...overrides }, ctx);
  const watch = (name: string) =>
    discovery.watch(name, async ({ cursor, waitMs, signal }): Promise<Answer<string | undefined, number>> => {
      backend.asked.push(name);
      backend.most = Math.max(backend.most, ++backend.open);
      try {
        if (cursor !== undefined) {
          const news = new Promise<void>((resolve) => {
            backend.wake.push(resolve);
            signal.addEventListener("abort", () => resolve());
          });
          await Promise.race([news, clock.sleep(waitMs, signal)]);
        }
        if (backend.down !== undefined) throw backend.down;
        return { value: backend.names.get(name), cursor: 1, pauseMs: 0 };
      } finally {
        backend.open--;
      }
    });
  const news = async (): Promise<void> => {
    for (const wake of backend.wake.splice(0)) wake();
    await clock.advance(200);
  };
  return { clock, log, metrics, backend, discovery, watch, news };
}

test("however many observers a name has, it is asked for once, and not at all without one", async () => {
  const { clock, backend, watch } = rig();
  backend.names.set("web", "1");
  assert.deepEqual(watch("web").sample(), { tag: "pending" });
  await clock.advance(1_000);
  assert.equal(backend.asked.length, 0);
  const watches = [watch("web"), watch("web"), watch("web")].map(observe);
  await clock.advance(10);
  assert.equal(backend.asked.length, 1);
  for (const each of watches) assert.deepEqual(each.last(), { tag: "found", value: "1" });
  for (const each of watches) each.close();
  await clock.advance(600_000);
  assert.equal(backend.asked.length, 1);
  assert.equal(clock.sleepers, 0);
});

test("a failure changes nothing that is known, and a real removal does", async () => {
  const { clock, log, backend, watch, news } = rig();
  backend.names.set("web", "1");
  const web = observe(watch("web"));
  await clock.advance(200);
  backend.down = new Error("500");
  await news();
  await clock.advance(60_000);
  assert.deepEqual(web.last(), { tag: "found", value: "1" });
  assert.equal(web.count(), 2);
  assert.equal(log.lines.filter((line) => line.includes("does not answer")).length, 1, "one line per outage");
  backend.down = undefined;
  backend.names.set("web", "2");
  await clock.advance(5_000);
  assert.deepEqual(web.last(), { tag: "found", value: "2" });
  backend.names.delete("web");
  await news();
  assert.deepEqual(web.last(), { tag: "absent" });
  web.close();
});

test("before anything is known, a failure is what the namer wants it to be, and asking goes on", async () => {
  for (const firstFailure of ["absent", "failed"] as const) {
    const { clock, backend, watch } = rig({ firstFailure });
    backend.down = new Error("refused");
    const web = observe(watch("web"));
    await clock.advance(10);
    assert.equal(web.last().tag, firstFailure);
    backend.down = undefined;
    backend.names.set("web", "1");
    await clock.advance(5_000);
    assert.deepEqual(web.last(), { tag: "found", value: "1" });
    web.close();
  }
});

test("a name that comes back while the backend is down is served with what was last known", async () => {
  const { clock, backend, discovery, watch } = rig();
  backend.names.set("web", "1");
  const first = observe(watch("web"));
  await clock.advance(10);
  first.close();
  backend.down = new Error("gone");
  await clock.advance(100_000);
  const again = observe(watch("web"));
  assert.deepEqual(again.last(), { tag: "found", value: "1" });
  await clock.advance(10_000);
  assert.deepEqual(again.last(), { tag: "found", value: "1" });
  const { ageSeconds, stale, value } = stateOf(discovery, "web");
  assert.ok(Number(ageSeconds) >= 109, `age ${ageSeconds}`);
  assert.equal(stale, true);
  assert.equal(value, "shown 1");
  again.close();
});

test("the age of what is known rises while nobody confirms it, falls when somebody does, and ends with the name", async () => {
  const { clock, log, metrics, backend, watch } = rig();
  const age = () => metrics.value("name/web/discovery_age_seconds");
  const stale = () => metrics.value("discovery_stale_names");
  backend.names.set("web", "1");
  const web = observe(watch("web"));
  await clock.advance(50_000);
  assert.ok(age()! < 25, `age ${age()}`);
  backend.down = new Error("black hole");
  await clock.advance(100_000);
  assert.ok(age()! > 90, `age ${age()}`);
  assert.equal(stale(), 1);
  assert.equal(log.lines.filter((line) => line.includes("stale")).length, 1);
  backend.down = undefined;
  await clock.advance(6_000);
  assert.ok(age()! < 25, `age ${age()}`);
  assert.equal(stale(), 0);
  web.close();
  assert.equal(age(), undefined);
});

test("unknown names never take the turns of known ones, and all together stay within the limits", async () => {
  const { clock, backend, watch, news } = rig();
  for (const name of ["a", "b", "c"]) backend.names.set(name, "1");
  const known = ["a", "b", "c"].map((name) => observe(watch(name)));
  await clock.advance(1_000);
  const unknown = Array.from({ length: 15 }, (_, i) => observe(watch(`no-${i}`)));
  await clock.advance(2_000);
  for (const each of unknown) assert.equal(each.last().tag, "absent");
  backend.asked.length = 0;
  await clock.advance(60_000);
  assert.ok(backend.most <= 7, `${backend.most} rounds at a time`);
  const rechecks = backend.asked.filter((name) => name.startsWith("no-")).length;
  assert.ok(rechecks >= 15 && rechecks <= 65, `${rechecks} rounds for unknown names in a minute`);
  backend.names.set("a", "2");
  await news();
  assert.deepEqual(known[0]!.last(), { tag: "found", value: "2" });
  backend.names.set("no-3", "there now");
  await clock.advance(60_000);
  assert.deepEqual(unknown[3]!.last(), { tag: "found", value: "there now" });
  for (const each of [...known, ...unknown]) each.close();
  await clock.advance(0);
  assert.equal(clock.sleepers, 0);
});

test("a scan of random names costs a bounded number of lookups and leaves nothing behind", async () => {
  const { clock, backend, discovery, watch } = rig();
  backend.names.set("web", "1");
  const web = observe(watch("web"));
  await clock.advance(100);
  backend.asked.length = 0;
  let refused = 0;
  for (let i = 0; i < 2_000; i++) {
    const scan = observe(watch(`random-${i}`));
    if (i % 200 === 199) await clock.advance(1_000);
    const now = scan.last();
    if (now.tag === "failed") {
      refused++;
      assert.match(now.message, /too many names at once/);
    }
    scan.close();
  }
  assert.ok(refused > 1_500, `${refused} refused`);
  const lookups = backend.asked.filter((name) => name.startsWith("random")).length;
  assert.ok(lookups <= 20 + 10 * 11, `${lookups} lookups in 10 s`);
  assert.equal(discovery.state()["watched"], 1);
  assert.deepEqual(web.last(), { tag: "found", value: "1" });
  web.close();
});

test("a name that was absent a moment ago is absent at once and costs no first lookup", async () => {
  const { clock, backend, watch } = rig();
  const first = observe(watch("nope"));
  await clock.advance(10);
  first.close();
  const again = observe(watch("nope"));
  assert.equal(again.last().tag, "absent");
  again.close();
  await clock.advance(11_000);
  backend.names.set("nope", "there now");
  const later = observe(watch("nope"));
  assert.equal(later.last().tag, "pending");
  await clock.advance(10);
  assert.deepEqual(later.last(), { tag: "found", value: "there now" });
  later.close();
});

function stateOf(discovery: Discovery<string, number>, name: string): Record<string, unknown> {
  const { names } = JSON.parse(JSON.stringify(discovery.state())) as {
    names: Record<string, Record<string, unknown>>;
  };
  return names[name]!;
}

test("an outage of many names is a few lines in the log, not one for each", async () => {
  const limits = { ...options.limits, found: 60, first: 60, budget: { perSecond: 100, burst: 100 } };
  const { clock, log, backend, watch, news } = rig({ limits, staleAfterMs: undefined });
  const names = Array.from({ length: 50 }, (_, i) => `s${i}`);
  for (const name of names) backend.names.set(name, "1");
  const watches = names.map((name) => observe(watch(name)));
  await clock.advance(1_000);
  backend.down = new Error("refused");
  await news();
  await clock.advance(120_000);
  assert.equal(log.lines.filter((line) => line.includes("does not answer as it should")).length, 1);
  backend.down = undefined;
  await clock.advance(10_000);
  assert.equal(log.lines.filter((line) => line.includes("has answered for every name")).length, 1);
  backend.down = new Error("refused");
  await news();
  assert.equal(log.lines.filter((line) => line.includes("does not answer as it should")).length, 2);
  for (const each of watches) each.close();
});

// === Kept over restarts ===

/** What was kept, and what would be kept now. */
function keeper(...last: KeptName[]) {
  let current: () => Iterable<KeptName> = () => [];
  const kept = {
    changes: 0,
    keep: (_source: string, now: () => Iterable<KeptName>) => {
      current = now;
      return last;
    },
    changed: () => void kept.changes++,
  };
  return { kept, now: () => [...current()] };
}

const startMs = 1_700_000_000_000;
const yesterday: KeptName = { name: "web", value: "1", at: startMs - 86_400_000 };

test("what was kept is served at once while the backend is away, and its age goes on", async () => {
  const { kept } = keeper(yesterday);
  const { clock, metrics, backend, discovery, watch } = rig({}, kept);
  backend.down = new Error("refused");
  const web = observe(watch("web"));
  assert.deepEqual(web.last(), { tag: "found", value: "1" });
  await clock.advance(10_000);
  assert.deepEqual(web.last(), { tag: "found", value: "1" });
  assert.ok(metrics.value("name/web/discovery_age_seconds")! >= 86_400 + 5);
  assert.equal(metrics.value("discovery_stale_names"), 1);
  const { restored, ageSeconds } = stateOf(discovery, "web");
  assert.equal(restored, true);
  assert.equal(ageSeconds, 86_410);
  backend.down = undefined;
  backend.names.set("web", "2");
  await clock.advance(5_000);
  assert.deepEqual(web.last(), { tag: "found", value: "2" });
  assert.equal(stateOf(discovery, "web")["restored"], undefined);
  assert.ok(metrics.value("name/web/discovery_age_seconds")! <= 5);
  web.close();
});

test("a name that the source takes away is kept no more, and one that nobody has asked for still is", async () => {
  const { kept, now } = keeper(yesterday, { ...yesterday, name: "api" });
  const { clock, watch } = rig({}, kept);
  assert.deepEqual(
    now()
      .map(({ name }) => name)
      .sort(),
    ["api", "web"],
  );
  const web = observe(watch("web"));
  await clock.advance(100);
  assert.deepEqual(web.last(), { tag: "absent" });
  assert.equal(kept.changes, 1);
  const api: KeptName = { ...yesterday, name: "api" };
  assert.deepEqual(now(), [api]);
  web.close();
  assert.deepEqual(now(), [api]);
});

test("a scan of unknown names changes nothing that is kept", async () => {
  const { kept, now } = keeper(yesterday);
  const { clock, watch } = rig({}, kept);
  for (let i = 0; i < 20; i++) {
    const scan = observe(watch(`random-${i}`));
    await clock.advance(50);
    scan.close();
  }
  assert.equal(kept.changes, 0);
  assert.deepEqual(now(), [yesterday]);
});

test("a kept value that cannot even be shown is none", async () => {
  const { kept, now } = keeper({ ...yesterday, value: null });
  const show = (value: string) => value.length;
  const { backend, watch } = rig({ show }, kept);
  backend.down = new Error("refused");
  const web = observe(watch("web"));
  assert.equal(web.last().tag, "pending");
  assert.deepEqual(now(), []);
  web.close();
});

test("a kept time that has not come yet counts as now", async () => {
  const { kept } = keeper({ ...yesterday, at: startMs + 3_600_000 });
  const { clock, metrics, backend, watch } = rig({}, kept);
  backend.down = new Error("refused");
  const web = observe(watch("web"));
  await clock.advance(90_000);
  assert.ok(metrics.value("name/web/discovery_age_seconds")! >= 85);
  web.close();
});

// === Distrust ===

test("a name that is not confirmed within its budget is distrusted, until it is", async () => {
  const { clock, log, metrics, backend, discovery, watch } = rig({ distrustAfterMs: 120_000 });
  backend.names.set("web", "1");
  const web = observe(watch("web"));
  await clock.advance(1_000);
  backend.down = new Error("black hole");
  await clock.advance(100_000);
  assert.deepEqual(web.last(), { tag: "found", value: "1" });
  await clock.advance(60_000);
  assert.deepEqual(web.last(), { tag: "found", value: "1", distrusted: true });
  assert.equal(metrics.value("discovery_distrusted_names"), 1);
  assert.equal(stateOf(discovery, "web")["distrusted"], true);
  assert.equal(log.lines.filter((line) => line.includes("distrusted")).length, 1);
  backend.down = undefined;
  await clock.advance(6_000);
  assert.deepEqual(web.last(), { tag: "found", value: "1" });
  assert.equal(metrics.value("discovery_distrusted_names"), 0);
  web.close();
});

test("the marks of a distrusted name go with it", async () => {
  const { kept } = keeper(yesterday);
  const { metrics, backend, watch } = rig({ distrustAfterMs: 120_000 }, kept);
  backend.down = new Error("refused");
  const web = observe(watch("web"));
  assert.deepEqual(web.last(), { tag: "found", value: "1", distrusted: true });
  assert.equal(metrics.value("discovery_distrusted_names"), 1);
  web.close();
  assert.equal(metrics.value("discovery_distrusted_names"), 0);
  assert.equal(metrics.value("discovery_stale_names"), 0);
});

// === Sudden loss ===

const sizeOf = (value: string): number => value.length;

/** A name with ten addresses, which loses all but some; what it is seen as while the source goes on saying so. */
async function loses(left: string | undefined, panicThreshold?: number) {
  const parts = rig({ sizeOf, ...(panicThreshold === undefined ? {} : { panicThreshold }) });
  const { clock, backend, watch, news } = parts;
  backend.names.set("web", "0123456789");
  const web = observe(watch("web"));
  await clock.advance(1_000);
  if (left === undefined) backend.names.delete("web");
  else backend.names.set("web", left);
  await news();
  return { ...parts, web };
}

test("an answer that takes most addresses away is held until two more say the same, within 5 s", async () => {
  for (const left of [undefined, "0123"]) {
    const { clock, log, metrics, discovery, web } = await loses(left);
    assert.deepEqual(web.last(), { tag: "found", value: "0123456789" });
    const held = { since: "2023-11-14 22:13:21 +0000", inUse: 10, left: left?.length ?? 0, confirmed: 0 };
    assert.deepEqual(stateOf(discovery, "web")["held"], held);
    assert.equal(metrics.value("discovery_held"), 1);
    await clock.advance(3_000);
    assert.deepEqual(web.last(), { tag: "found", value: "0123456789" });
    await clock.advance(1_500);
    assert.deepEqual(web.last(), left === undefined ? { tag: "absent" } : { tag: "found", value: left });
    assert.equal(log.lines.filter((line) => line.includes("are gone")).length, 2);
    assert.equal(metrics.value("discovery_held"), 1);
    web.close();
  }
});

test("addresses that are back when the source is asked again never went", async () => {
  const { clock, log, backend, discovery, web } = await loses(undefined);
  backend.names.set("web", "0123456780");
  await clock.advance(2_500);
  assert.deepEqual(web.last(), { tag: "found", value: "0123456780" });
  assert.equal(stateOf(discovery, "web")["held"], undefined);
  assert.equal(log.lines.at(-1), "info: the addresses of a name are back");
  web.close();
});

test("a failure in between confirms nothing", async () => {
  const { clock, backend, web } = await loses(undefined);
  backend.down = new Error("500");
  await clock.advance(60_000);
  assert.deepEqual(web.last(), { tag: "found", value: "0123456789" });
  backend.down = undefined;
  await clock.advance(12_000);
  assert.deepEqual(web.last(), { tag: "absent" });
  web.close();
});

test("half of the addresses may go at once, and with a threshold of 100 all", async () => {
  const half = await loses("01234");
  assert.deepEqual(half.web.last(), { tag: "found", value: "01234" });
  const all = await loses(undefined, 100);
  assert.deepEqual(all.web.last(), { tag: "absent" });
  const strict = await loses("01234567", 10);
  assert.deepEqual(strict.web.last(), { tag: "found", value: "0123456789" });
  for (const { web } of [half, all, strict]) web.close();
});

test("the last addresses of a small set go at once", async () => {
  const { clock, backend, watch, news } = rig({ sizeOf });
  backend.names.set("web", "ab");
  const web = observe(watch("web"));
  await clock.advance(1_000);
  backend.names.delete("web");
  await news();
  assert.deepEqual(web.last(), { tag: "absent" });
  web.close();
});

test("a namer that says little of its pace asks for a whole list once, and waits among many as alone", () => {
  const { pace, limits } = completeOptions({
    ...options,
    pace: { waitMs: 0, deadlineMs: 1_000 },
    limits: { found: 4, first: 2, absent: 1, leastRoundMs: { found: 0, absent: 0 } },
  });
  assert.equal(pace.contendedWaitMs, 0);
  assert.equal(pace.relistMs, Number.POSITIVE_INFINITY);
  assert.deepEqual(limits.leastRoundMs, { found: 0, absent: 0 });
});
