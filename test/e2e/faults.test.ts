/** Workers that die or hang: nobody who waits is lost, the others serve on, and systemd hears of it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { root } from "../arch/source-tree.ts";
import { eventually } from "../kit/eventually.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { fetchText, has, run } from "./program-rig.ts";

const timeout = 60_000;

/** An identifier that ends its thread, or holds it up for a second and a half. */
const identifier = `export default {
  slot: "identifier", kind: "test.own", schema: { type: "object", properties: {} },
  create: () => ({ identify(request) {
    if (request.target === "/die") process.exit(9);
    if (request.target === "/hang") for (const end = Date.now() + 1500; Date.now() < end; );
    return { show: () => "/svc/web" };
  } }),
};`;

const metric = async (admin: number, name: string): Promise<unknown> =>
  (JSON.parse((await fetchText(admin, false, "/admin/metrics.json")).slice(4)) as Record<string, unknown>)[
    name
  ];

test("a worker that dies is replaced at once, and whoever waits to be accepted is not lost", {
  timeout,
}, async (t) => {
  const { port, admin, log } = await run(t, { identifier });
  assert.equal(await fetchText(port, false), "200 fine");
  await assert.rejects(fetchText(port, false, "/die"));
  // Nobody accepts now.
  const waiting = await Promise.all(Array.from({ length: 20 }, () => fetchText(port, false)));
  assert.deepEqual(new Set(waiting), new Set(["200 fine"]));
  assert.equal(await metric(admin, "workers/restarts"), 1);
  // One death, and the shortest of all waits: what the start itself takes is the machine's.
  await eventually(() => assert.ok(has(log, "a worker was started again")));
  const deaths = log.filter(({ message }) => message === "a worker died and is started again");
  assert.deepEqual(
    deaths.map(({ level, cause, waitMs }) => [level, cause, waitMs]),
    [["error", "exit code 9", 50]],
  );
});

test("of two workers the other serves on while one is replaced", { timeout }, async (t) => {
  const { port, admin, log } = await run(t, { identifier, workers: 2 });
  await assert.rejects(fetchText(port, false, "/die"));
  const answers = await Promise.all(Array.from({ length: 20 }, () => fetchText(port, false)));
  assert.deepEqual(new Set(answers), new Set(["200 fine"]));
  await eventually(() => assert.ok(has(log, "a worker was started again")));
  await eventually(async () => assert.equal(await metric(admin, "workers/ready"), 2));
});

test("a worker that hangs starves the watchdog, and feeds it again afterwards", { timeout }, async (t) => {
  using dir = tempDir();
  const told = path.join(dir.path, "told");
  writeFileSync(told, "");
  dir.write("bin/systemd-notify", `#!/bin/sh\necho "$(date +%s%3N) $@" >> ${told}\n`);
  chmodSync(path.join(dir.path, "bin/systemd-notify"), 0o755);
  const { port, errors } = await run(t, {
    identifier,
    env: {
      PATH: `${path.join(dir.path, "bin")}:${process.env["PATH"]}`,
      NOTIFY_SOCKET: path.join(dir.path, "socket"),
      WATCHDOG_USEC: "600000",
    },
  });
  const beats = (): number[] =>
    [...readFileSync(told, "utf8").matchAll(/^(\d+) WATCHDOG=1$/gm)].map(([, at]) => Number(at));
  await eventually(() => assert.ok(beats().length > 1));
  const hung = Date.now();
  assert.equal(await fetchText(port, false, "/hang"), "200 fine");
  await eventually(() => assert.ok(beats().some((at) => at > hung + 1500)));
  const silent = beats().filter((at) => at > hung + 400 && at < hung + 1400);
  assert.deepEqual(silent, [], "no word for longer than the 600 ms that systemd waits");
  assert.ok(errors.some((line) => line.includes("a worker's event loop has not turned for 200 ms")));
});

const analyzes = ((): boolean => {
  try {
    execFileSync("systemd-analyze", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test("systemd takes the units as they stand, and finds little to say against their safety", {
  skip: analyzes ? false : "systemd-analyze is not installed",
}, () => {
  using dir = tempDir();
  for (const unit of ["pointsman.service", "pointsman.socket"]) {
    const text = readFileSync(path.join(root, "deploy", unit), "utf8");
    // The program is looked for, and need not be installed here.
    dir.write(unit, text.replaceAll("/usr/bin/pointsman", "/bin/true"));
  }
  const files = ["pointsman.service", "pointsman.socket"].map((unit) => path.join(dir.path, unit));
  const analyze = (...args: string[]): string =>
    execFileSync("systemd-analyze", ["--no-pager", ...args], { encoding: "utf8", stdio: "pipe" });
  assert.equal(analyze("verify", ...files), "");
  analyze("security", "--offline=true", "--threshold=20", files[0]!);
});
