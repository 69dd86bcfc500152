/** The snapshot of what namers know: written whole or not at all, read with suspicion, and never in the way. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { Snapshot } from "../../daemon/control/snapshot/snapshot.ts";
import { readSnapshot, snapshotPath, writeSnapshot } from "../../daemon/control/snapshot/snapshot-file.ts";
import type { KeptName } from "../../plugins/contract.ts";
import { fakeClock, settle } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { recordedLog } from "../kit/log.ts";
import { recordedMetrics } from "../kit/metrics.ts";
import { tempDir } from "../kit/temp-dir.ts";

const web: KeptName = { name: "dc1/web", value: { ports: new Map([["http", 80]]) }, at: 1_700_000_000_000 };

async function open(dir: string, maxBytes?: number) {
  const [clock, log, metrics] = [fakeClock(web.at + 90_000), recordedLog(), recordedMetrics()];
  const snapshot = await Snapshot.open({
    dir,
    clock,
    log,
    metrics,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  const namer = snapshot.namer("/#/test", undefined);
  const stop = new AbortController();
  return { clock, log, metrics, snapshot, namer, stop };
}

/** Writes these names as one run of the daemon does. */
async function written(dir: string, names: readonly KeptName[], maxBytes?: number) {
  const run = await open(dir, maxBytes);
  run.namer.keep("Consul", () => names);
  void run.snapshot.run(() => [run.namer], run.stop.signal);
  run.namer.changed();
  await run.clock.advance(5_000);
  await run.snapshot.write();
  run.stop.abort();
  return run;
}

test("what a namer keeps is there after a restart, with its maps and its age, and only for the same source", async () => {
  using dir = tempDir();
  await written(`${dir.path}/state`, [web]);
  const { namer, log } = await open(`${dir.path}/state`);
  assert.deepEqual(
    namer.keep("another Consul", () => []),
    [],
  );
  assert.deepEqual(
    namer.keep("Consul", () => []),
    [web],
  );
  assert.deepEqual(log.lines, ["info: what was known of names before the start is known again"]);
});

test("a change is written within 5 s, ages every minute, and nothing where nothing is known", async () => {
  using dir = tempDir();
  const { clock, metrics, snapshot, namer, stop } = await open(dir.path);
  let names: readonly KeptName[] = [];
  namer.keep("Consul", () => names);
  void snapshot.run(() => [namer], stop.signal);
  const writes = () => eventually(() => metrics.value("snapshot/writes"));
  await clock.advance(200_000);
  assert.equal(await writes(), undefined);
  names = [web];
  namer.changed();
  await clock.advance(5_000);
  await eventually(() => assert.equal(metrics.value("snapshot/writes"), 1));
  await clock.advance(50_000);
  await settle();
  assert.equal(await writes(), 1);
  await clock.advance(15_000);
  await eventually(() => assert.equal(metrics.value("snapshot/writes"), 2));
  stop.abort();
});

test("what was not confirmed for a week is forgotten", async () => {
  using dir = tempDir();
  await written(dir.path, [web, { ...web, name: "old", at: web.at - 8 * 86_400_000 }]);
  const { namer } = await open(dir.path);
  assert.deepEqual(
    namer.keep("Consul", () => []).map(({ name }) => name),
    ["dc1/web"],
  );
});

test("a snapshot that is truncated, altered, of another format or none is told once and begun anew", async () => {
  using dir = tempDir();
  await written(dir.path, [web]);
  const file = snapshotPath(dir.path);
  const whole = readFileSync(file, "utf8");
  const spoiled = {
    truncated: whole.slice(0, -5),
    altered: whole.replace("dc1/web", "dc1/wep"),
    "of another format": whole.replace('"format":1', '"format":99'),
    "not a snapshot": "hello\n",
    empty: "",
    "only a head": whole.split("\n")[0]!,
    "a head of nonsense": '{"pointsman":\n{}',
  };
  for (const [what, text] of Object.entries(spoiled)) {
    writeFileSync(file, text);
    const { namer, log, snapshot, stop, clock } = await open(dir.path);
    assert.deepEqual(
      namer.keep("Consul", () => [web]),
      [],
      what,
    );
    assert.equal(log.lines.length, 1, what);
    assert.match(log.lines[0]!, /^warn: .* cannot be used, and is begun anew$/, what);
    void snapshot.run(() => [namer], stop.signal);
    namer.changed();
    await clock.advance(5_000);
    await eventually(async () => assert.equal((await readSnapshot(dir.path)).tag, "text", what));
    stop.abort();
  }
});

test("a folder that cannot be written is told once, and once more when it can", async () => {
  using dir = tempDir();
  dir.write("state", "a file");
  const { clock, log, metrics, snapshot, namer, stop } = await open(`${dir.path}/state`);
  namer.keep("Consul", () => [web]);
  void snapshot.run(() => [namer], stop.signal);
  for (let i = 1; i <= 3; i++) {
    namer.changed();
    await clock.advance(5_000);
    await eventually(() => assert.equal(metrics.value("snapshot/failures"), i));
  }
  assert.equal(log.lines.filter((line) => line.includes("cannot be kept")).length, 1);
  dir.remove("state");
  namer.changed();
  await clock.advance(5_000);
  await eventually(() => assert.equal(log.lines.at(-1), "info: what is known of names is kept again"));
  assert.equal((await readSnapshot(`${dir.path}/state`)).tag, "text");
  stop.abort();
});

test("where there is no room for all, the names that were confirmed last are kept", async () => {
  using dir = tempDir();
  const names = Array.from({ length: 100 }, (_, i) => ({ ...web, name: `s${i}`, at: web.at + i }));
  const { log } = await written(dir.path, names, 3_000);
  assert.equal(log.lines.filter((line) => line.includes("not all")).length, 1);
  assert.ok(readFileSync(snapshotPath(dir.path)).length < 3_300);
  const { namer } = await open(dir.path);
  const kept = namer.keep("Consul", () => []).map(({ name }) => name);
  assert.ok(kept.length > 20 && kept.length < 60, `${kept.length} kept`);
  assert.ok(kept.includes("s99") && !kept.includes("s0"));
});

test("a namer that takes another's place at a reload knows what that one knew, not what was read at the start", async () => {
  using dir = tempDir();
  await written(dir.path, [{ ...web, name: "of long ago" }]);
  const { snapshot, namer } = await open(dir.path);
  namer.keep("Consul", () => [web]);
  const next = snapshot.namer("/#/test", namer);
  assert.deepEqual(
    next.keep("Consul", () => []),
    [web],
  );
});

test("a process that is killed while it writes leaves a whole snapshot", { timeout: 60_000 }, async () => {
  using dir = tempDir();
  const size = 8_000_000;
  await writeSnapshot(dir.path, JSON.stringify("0".repeat(size)), 0);
  const module = new URL("../../daemon/control/snapshot/snapshot-file.ts", import.meta.url).href;
  const program = `
    const { writeSnapshot } = await import(${JSON.stringify(module)});
    for (let i = 1; ; i++) await writeSnapshot(${JSON.stringify(dir.path)}, JSON.stringify(String(i % 10).repeat(${size})), i);`;
  const written = (): number =>
    statSync(`${snapshotPath(dir.path)}.new`, { throwIfNoEntry: false })?.size ?? 0;
  let partly = 0;
  for (let round = 0; round < 10 && partly < 3; round++) {
    rmSync(`${snapshotPath(dir.path)}.new`, { force: true });
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
    const exit = once(child, "exit");
    while (written() === 0 && child.exitCode === null) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(child.exitCode, null, "the writer ended by itself");
    child.kill("SIGKILL");
    await exit;
    if (written() > 0) partly++;
    const found = await readSnapshot(dir.path);
    assert.equal(found.tag, "text");
    if (found.tag === "text") assert.equal((JSON.parse(found.text) as string).length, size);
  }
  assert.ok(partly > 0, "no process was killed between the begin of a write and its end");
});
