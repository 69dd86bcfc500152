/** Folders that many follow: whom an event concerns. */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../daemon/shared/system-clock.ts";
import { FolderWatches } from "../../plugins/lib/watch-folder.ts";

/** A folder with followers of these names; each keeps count of its looks. */
const open = async (t: TestContext, names: readonly (string | undefined)[]) => {
  const folder = mkdtempSync(join(tmpdir(), "watch-folder-"));
  const abort = new AbortController();
  const watches = new FolderWatches(systemClock);
  const looked = new Map<string | undefined, number>(names.map((name) => [name, 0]));
  const looks = new EventEmitter();
  const over = names.map((name) => {
    const look = async (): Promise<void> => {
      looked.set(name, looked.get(name)! + 1);
      looks.emit("look");
    };
    return watches.follow(folder, { name, look }, abort.signal);
  });
  /** Resolves when the follower of a name has looked so often. */
  const until = async (name: string | undefined, count: number): Promise<void> => {
    while (looked.get(name)! < count) await once(looks, "look");
  };
  t.after(async () => {
    abort.abort();
    await Promise.all(over);
    rmSync(folder, { recursive: true });
  });
  for (const name of names) await until(name, 1);
  return { folder, looked, until };
};

test("an event makes those look who follow that name or the whole folder, and no others", async (t) => {
  const { folder, looked, until } = await open(t, ["one", "two", undefined]);
  writeFileSync(join(folder, "one"), "1");
  await Promise.all([until("one", 2), until(undefined, 2)]);
  assert.equal(looked.get("two"), 1);
});

test("a name that begins with dots concerns everybody: it may be the link to a volume's files", async (t) => {
  const { folder, until } = await open(t, ["one", "two"]);
  writeFileSync(join(folder, "..data"), "");
  await Promise.all([until("one", 2), until("two", 2)]);
});

test("of thousands who follow a folder only some look at the same time, and all do", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "watch-folder-"));
  const abort = new AbortController();
  const watches = new FolderWatches(systemClock);
  const all = Promise.withResolvers<void>();
  let looking = 0;
  let most = 0;
  let looked = 0;
  const look = async (): Promise<void> => {
    most = Math.max(most, ++looking);
    await new Promise((resolve) => setImmediate(resolve));
    looking--;
    if (++looked === 1000) all.resolve();
  };
  const over = Array.from({ length: 1000 }, (_, i) =>
    watches.follow(folder, { name: `${i}`, look }, abort.signal),
  );
  t.after(async () => {
    abort.abort();
    await Promise.all(over);
    rmSync(folder, { recursive: true });
  });
  await all.promise;
  assert.ok(most > 1 && most <= 32, `${most} at once`);
});
