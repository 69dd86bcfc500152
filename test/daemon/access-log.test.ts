/** The access log: lines, roll policies, and the file that they go to. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AccessLogFile } from "../../daemon/control/access-log/access-log-file.ts";
import { DiskTurns } from "../../daemon/control/access-log/disk-turns.ts";
import { readRollPolicy } from "../../daemon/control/access-log/roll-policy.ts";
import { type AccessFacts, accessFields, createFormat } from "../../daemon/data/router/access-format.ts";
import { AccessLog } from "../../daemon/data/router/access-log.ts";
import type { ToControl } from "../../daemon/shared/messages.ts";
import type { Counter, Logger, MetricsScope } from "../../plugins/contract.ts";
import { fakeClock, settle } from "../kit/clock.ts";
import { tempDir } from "../kit/temp-dir.ts";

const facts: AccessFacts = {
  time: Date.UTC(2024, 5, 24, 12),
  router: "http",
  server: "127.0.0.1/4140",
  identity: undefined,
  remote: "127.0.0.1",
  method: "GET",
  target: '/a?b="1',
  version: "1.1",
  host: "web",
  status: 200,
  bytes: 12,
  durationMs: 1.5,
  service: "/svc/web",
  client: "/#/io.l5d.fs/web",
  endpoint: "10.0.0.7:8080",
  attempts: 1,
  override: undefined,
  overrideId: undefined,
  overrideRefused: undefined,
  error: undefined,
  traceId: "25acf4b14a798ca4",
  referer: undefined,
  userAgent: "curl/8.0",
};

test("a line in Linkerd 1's format escapes quotes and has - for what is unknown", () => {
  const line = createFormat("linkerd")(facts);
  assert.match(
    line,
    /^web 127\.0\.0\.1 - - \[\d\d\/06\/2024:\d\d:00:00 \S+\] "GET \/a\?b=\\"1 HTTP\/1\.1" 200 12 "-" "curl\/8\.0"$/,
  );
});

test("a JSON line holds every known fact and leaves the others out", () => {
  const line = JSON.parse(createFormat("json")(facts));
  assert.equal(line.time, "2024-06-24T12:00:00.000Z");
  assert.equal(line.target, '/a?b="1');
  assert.equal("override" in line, false);
});

test("a template takes every field in braces", () => {
  const template = accessFields.map((name) => `${name}={${name}}`).join(" ");
  const line = createFormat(template)(facts);
  assert.match(line, /status=200 bytes=12 durationMs=1\.5 service=\/svc\/web/);
  assert.match(
    line,
    /override=- overrideId=- overrideRefused=- error=- traceId=25acf4b14a798ca4 referer=- userAgent=curl\/8\.0$/,
  );
});

test("roll policies are due at the next boundary of the local zone", () => {
  const opened = new Date(2024, 5, 26, 13, 30).getTime(); // a Wednesday
  const due = (policy: string): Date => new Date(readRollPolicy(policy).dueAt(opened)!);
  assert.deepEqual(due("hourly"), new Date(2024, 5, 26, 14));
  assert.deepEqual(due("daily"), new Date(2024, 5, 27));
  assert.deepEqual(due("weekly(1)"), new Date(2024, 5, 30));
  assert.deepEqual(due("weekly(4)"), new Date(2024, 6, 3), "a week ends when the day begins again");
  assert.equal(readRollPolicy("never").dueAt(opened), undefined);
  assert.equal(readRollPolicy("3.megabytes").maxBytes, 3 * 1024 * 1024);
  assert.equal(readRollPolicy("hourly").suffix(opened), "20240626-13");
});

type Turns = Pick<DiskTurns, "take">;

interface Rig {
  readonly file: AccessLogFile;
  readonly failures: () => number;
  readonly errors: string[];
  readonly clock: ReturnType<typeof fakeClock>;
}

function rig(
  path: string,
  policy: string,
  { append = true, rotateCount = -1, turns = new DiskTurns() as Turns } = {},
): Rig {
  let failures = 0;
  const errors: string[] = [];
  const counter: Counter = { incr: () => void failures++ };
  const log: Logger = { debug() {}, info() {}, warn() {}, error: (message) => void errors.push(message) };
  const clock = fakeClock(Date.now());
  const options = { file: path, policy: readRollPolicy(policy), append, rotateCount, clock, log, turns };
  return {
    file: new AccessLogFile({ ...options, failures: counter }),
    failures: () => failures,
    errors,
    clock,
  };
}

test("a file is appended to, or emptied once at the start", async () => {
  using dir = tempDir();
  dir.write("a.log", "old\n");
  dir.write("b.log", "old\n");
  const a = rig(join(dir.path, "a.log"), "never");
  const b = rig(join(dir.path, "b.log"), "never", { append: false });
  for (const { file } of [a, b]) {
    await file.write("new\n");
    await file.write("newer\n");
    await file.close();
  }
  assert.equal(readFileSync(join(dir.path, "a.log"), "utf8"), "old\nnew\nnewer\n");
  assert.equal(readFileSync(join(dir.path, "b.log"), "utf8"), "new\nnewer\n");
});

test("a file rolls before the write that would exceed its size, and only so many rolled ones stay", async () => {
  using dir = tempDir();
  const { file } = rig(join(dir.path, "access.log"), "10.bytes", { rotateCount: 2 });
  for (const line of ["1111111\n", "2222222\n", "3333333\n", "4444444\n"]) await file.write(line);
  await file.close();
  const names = readdirSync(dir.path).sort();
  assert.equal(names.length, 3);
  assert.equal(readFileSync(join(dir.path, "access.log"), "utf8"), "4444444\n");
  assert.ok(names.some((name) => /^access-\d{8}-\d{6}(-\d)?\.log$/.test(name)));
});

test("an hourly file rolls with the first write of the next hour", async () => {
  using dir = tempDir();
  const { file, clock } = rig(join(dir.path, "access.log"), "hourly");
  await file.write("first\n");
  await clock.advance(3_600_000);
  await file.write("second\n");
  await file.close();
  assert.equal(readFileSync(join(dir.path, "access.log"), "utf8"), "second\n");
  assert.equal(readdirSync(dir.path).length, 2);
});

test("sighup opens the file anew where it was moved away", async () => {
  using dir = tempDir();
  const path = join(dir.path, "access.log");
  const { file } = rig(path, "sighup");
  await file.write("one\n");
  renameSync(path, `${path}.1`);
  await file.reopen();
  await file.write("two\n");
  await file.close();
  assert.equal(readFileSync(path, "utf8"), "two\n");
  assert.equal(readFileSync(`${path}.1`, "utf8"), "one\n");
});

test("what cannot be written is given up, counted and told once, and writing goes on when it can", async () => {
  using dir = tempDir();
  const path = join(dir.path, "folder", "access.log");
  mkdirSync(path, { recursive: true }); // a folder where the file should be
  const { file, failures, errors } = rig(path, "never");
  await file.write("lost\n");
  await file.write("lost\n");
  assert.equal(failures(), 2);
  assert.equal(errors.length, 1);
  rmSync(path, { recursive: true });
  await file.write("kept\n");
  await file.close();
  assert.equal(readFileSync(path, "utf8"), "kept\n");
});

test("a disk that is full costs lines and nothing else, and is told once", {
  skip: !existsSync("/dev/full"),
}, async () => {
  const { file, failures, errors } = rig("/dev/full", "never");
  await file.check();
  for (let n = 0; n < 3; n++) await file.write("lost\n");
  await file.close();
  assert.equal(failures(), 3);
  assert.equal(errors.length, 1);
});

const namedPipe = (path: string): string => {
  execFileSync("mkfifo", [path]);
  return path;
};

test("a named pipe is written whether anybody reads it or not, and a reader may come, go and come again", async () => {
  using dir = tempDir();
  const path = namedPipe(join(dir.path, "pipe.log"));
  const { file, failures } = rig(path, "1.bytes"); // pipes do not roll
  await file.check();
  await file.write("before\n");
  for (const line of ["one\n", "two\n"]) {
    const reader = spawn("cat", [path], { stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    reader.stdout.on("data", (data) => {
      text += String(data);
    });
    await file.write(line);
    while (!text.endsWith(line)) await once(reader.stdout, "data");
    reader.kill();
    await once(reader, "close");
  }
  await file.write("nobody is there\n");
  await file.close();
  assert.deepEqual(readdirSync(dir.path), ["pipe.log"]);
  assert.equal(failures(), 0);
});

test("a pipe that nobody reads holds up neither the file's end nor anything else", async () => {
  using dir = tempDir();
  const { file, clock, failures } = rig(namedPipe(join(dir.path, "pipe.log")), "never");
  const stuck = file.write("x".repeat(1 << 20));
  const closing = file.close();
  await clock.advance(1000);
  await Promise.all([stuck, closing]);
  assert.equal(failures(), 1);
});

/** Disks of which those of some folders do not answer; every turn that begins there holds a thread for good. */
function hangingDisks() {
  const turns = new DiskTurns();
  const hung = new Set<string>();
  const held = new Map<string, () => void>();
  let most = 0;
  return {
    hung,
    held,
    most: () => most,
    turns: {
      take: (folder, work) =>
        turns.take(folder, async () => {
          if (hung.has(folder)) {
            const answered = new Promise<void>((answer) => held.set(folder, answer));
            most = Math.max(most, held.size);
            await answered;
            held.delete(folder);
          }
          return work();
        }),
    } satisfies Turns,
  };
}

test("however many disks hang, logs hold two threads, and go on where they were when a disk answers", async () => {
  using dir = tempDir();
  const folders = ["a", "b", "c"].map((name) => join(dir.path, name));
  const disks = hangingDisks();
  for (const folder of folders) disks.hung.add(folder);
  const rigs = folders.flatMap((folder) =>
    ["one.log", "two.log"].map((name) => rig(join(folder, name), "never", { turns: disks.turns })),
  );
  const written = rigs.flatMap(({ file }) => [file.write("first\n"), file.write("second\n")]);
  await settle();
  assert.deepEqual([...disks.held.keys()], folders.slice(0, 2));
  disks.hung.clear();
  for (const answer of disks.held.values()) answer();
  await Promise.all(written);
  await Promise.all(rigs.map(({ file }) => file.close()));
  assert.equal(disks.most(), 2);
  for (const folder of folders)
    for (const name of ["one.log", "two.log"])
      assert.equal(readFileSync(join(folder, name), "utf8"), "first\nsecond\n");
});

test("a disk that hangs holds up no log on another", async () => {
  using dir = tempDir();
  const [sick, well] = [join(dir.path, "sick"), join(dir.path, "well")];
  const disks = hangingDisks();
  disks.hung.add(sick);
  for (const name of ["one.log", "two.log"])
    void rig(join(sick, name), "never", { turns: disks.turns }).file.write("lost\n");
  const { file } = rig(join(well, "access.log"), "never", { turns: disks.turns });
  await file.write("kept\n");
  await file.close();
  assert.equal(readFileSync(join(well, "access.log"), "utf8"), "kept\n");
});

test("a file whose write does not return gets no further ones: lines are dropped, counted and told once", async () => {
  using dir = tempDir();
  const disks = hangingDisks();
  const path = join(dir.path, "access.log");
  const { file, clock, failures, errors } = rig(path, "never", { turns: disks.turns });
  await file.check();
  disks.hung.add(dir.path);
  const late = file.write("late\n");
  await clock.advance(30_000);
  const queued = file.write("queued\n");
  await clock.advance(1);
  for (let n = 0; n < 3; n++) await file.write("lost\n");
  assert.deepEqual([failures(), errors.length, disks.held.size], [3, 1, 1]);
  disks.hung.clear();
  disks.held.get(dir.path)!();
  await Promise.all([late, queued]);
  await file.write("and on\n");
  await file.close();
  assert.equal(readFileSync(path, "utf8"), "late\nqueued\nand on\n");
});

test("a pipe may wait for its reader as long as it likes", async () => {
  using dir = tempDir();
  const { file, clock, failures } = rig(namedPipe(join(dir.path, "pipe.log")), "never");
  await file.check();
  const stuck = file.write("x".repeat(1 << 20));
  await clock.advance(60_000);
  const more = file.write("more\n");
  assert.equal(failures(), 0);
  const closing = file.close();
  await clock.advance(1000);
  await Promise.all([stuck, more, closing]);
});

test("a disk that hangs holds up neither the file's end nor whoever waits for its opening", async () => {
  using dir = tempDir();
  const disks = hangingDisks();
  disks.hung.add(dir.path);
  const { file, clock } = rig(join(dir.path, "access.log"), "never", { turns: disks.turns });
  const refused = assert.rejects(file.check(), /no answer within 10 s/);
  await clock.advance(10_000);
  await refused;
  const closing = file.close();
  await clock.advance(1000);
  await closing;
});

test("a worker drops lines when too many are unwritten, and goes on when they are written", () => {
  const posted: ToControl[] = [];
  let dropped = 0;
  const scope = {
    scope: () => scope,
    counter: () => ({ incr: () => void dropped++ }),
  } as unknown as MetricsScope;
  const log = new AccessLog("http", "{userAgent}", scope, (message) => posted.push(message));
  const big = { ...facts, userAgent: "x".repeat(1 << 20) };
  for (let i = 0; i < 8; i++) log.add(big);
  assert.equal(posted.length, 4);
  assert.equal(dropped, 4);
  log.written(4 * ((1 << 20) + 1));
  log.add(big);
  assert.equal(posted.length, 5);
});
