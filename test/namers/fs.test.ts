/** `io.l5d.fs` on a real folder. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { type Addr, type Bound, Path } from "../../dtab/index.ts";
import { createFsNamer } from "../../namers/fs.ts";
import type { Clock } from "../../plugins/contract.ts";
import { fakeClock, realClock } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { recordedLog } from "../kit/log.ts";
import { addressesOf, leafOf, observe, testNamer } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { tempDir } from "../kit/temp-dir.ts";

const prefix = Path.read("/#/io.l5d.fs");

function create(rootDir: string, clock: Clock = realClock, resolve?: (host: string) => Promise<string[]>) {
  const log = recordedLog();
  return { log, namer: createFsNamer(rootDir, { ...pluginContext(), clock, log, prefix }, resolve) };
}

/** A name that stays observed, with its addresses. */
function follow(namer: ReturnType<typeof create>["namer"], path: string) {
  const tree = observe(namer.lookup(Path.read(path)).states);
  let bound: { readonly of: Bound; readonly addr: ReturnType<typeof observe<Addr>> } | undefined;
  return {
    addresses(): string[] {
      const leaf = leafOf(tree.last()) as Bound;
      if (bound?.of !== leaf) {
        bound?.addr.close();
        bound = { of: leaf, addr: observe(leaf.addr) };
      }
      return addressesOf(bound.addr.last());
    },
    addr: () => bound?.addr.last(),
    state: () => tree.last(),
    close() {
      bound?.addr.close();
      tree.close();
    },
  };
}

testNamer("io.l5d.fs", () => {
  const dir = tempDir();
  dir.write("web", "127.0.0.1 80\n");
  const { namer } = create(dir.path);
  return {
    namer,
    known: Path.read("/web"),
    unknown: Path.read("/nope"),
    leadsTo: "/#/io.l5d.fs/web",
    discovery: {
      update() {
        dir.write("web", "127.0.0.1 81\n127.0.0.2 82\n");
        return ["127.0.0.1:81", "127.0.0.2:82"];
      },
      fail: () => dir.write("web", "nonsense\n"),
      running: () => JSON.stringify(namer.state()).includes('"running":true'),
    },
    dispose: () => dir[Symbol.dispose](),
  };
});

test("a name is bound when its file appears, and Neg when it goes", async () => {
  using dir = tempDir();
  const web = follow(create(dir.path).namer, "/sub/web");
  await eventually(() => assert.deepEqual(web.state(), { tag: "ok", value: { tag: "neg" } }));
  dir.write("sub/web", "127.0.0.1 80");
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
  dir.remove("sub/web");
  await eventually(() => assert.deepEqual(web.state(), { tag: "ok", value: { tag: "neg" } }));
  dir.remove("sub");
  dir.write("sub/web", "127.0.0.1 81");
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:81"]));
  web.close();
});

test("a file that is moved over another is noticed, again and again", async () => {
  using dir = tempDir();
  dir.write("web", "127.0.0.1 1");
  const web = follow(create(dir.path).namer, "/web");
  for (let port = 1; port <= 4; port++) {
    dir.replace("web", `127.0.0.1 ${port}`);
    await eventually(() => assert.deepEqual(web.addresses(), [`127.0.0.1:${port}`]));
  }
  web.close();
});

test("a bad line is reported with its place, and the last good set is kept until it is repaired", async () => {
  using dir = tempDir();
  dir.write("web", "127.0.0.1 80");
  const { namer, log } = create(dir.path);
  const web = follow(namer, "/web");
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
  dir.write("web", "# hosts\n127.0.0.1 eighty\n");
  await eventually(() => assert.equal(log.lines.length, 1));
  const [line = ""] = log.lines;
  assert.ok(line.includes(`${join(dir.path, "web")}:2: expected a port from 1 to 65535, got "eighty"`), line);
  assert.ok(line.includes("the last good addresses are kept"), line);
  assert.deepEqual(web.addresses(), ["127.0.0.1:80"]);
  dir.write("web", "127.0.0.1 81");
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:81"]));
  web.close();
});

test("a file that was never good has failed addresses that say why", async () => {
  using dir = tempDir();
  dir.write("web", "127.0.0.1");
  const web = follow(create(dir.path).namer, "/web");
  await eventually(() => {
    web.addresses();
    assert.deepEqual(web.addr(), {
      tag: "failed",
      message: `${join(dir.path, "web")}:1: expected "host port" or "host port * weight", got "127.0.0.1"`,
    });
  });
  web.close();
});

test("an emptied file is an empty set, but not while its writer is at it", async () => {
  using dir = tempDir();
  dir.write("web", "127.0.0.1 80");
  const web = follow(create(dir.path).namer, "/web");
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
  dir.write("web", "");
  await new Promise((resolve) => setTimeout(resolve, 80));
  assert.deepEqual(web.addresses(), ["127.0.0.1:80"]);
  dir.write("web", "127.0.0.1 81");
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:81"]));
  dir.write("web", "");
  await eventually(() => assert.deepEqual(web.addr(), { tag: "bound", addresses: [], meta: {} }));
  web.close();
});

test("the folder itself may go and come back", async () => {
  using dir = tempDir();
  dir.write("disco/web", "127.0.0.1 80");
  const { namer, log } = create(join(dir.path, "disco"));
  const web = follow(namer, "/web");
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
  rmSync(join(dir.path, "disco"), { recursive: true });
  await eventually(() =>
    assert.ok(
      log.lines.some((line) => line.includes("its last listing is kept")),
      String(log.lines),
    ),
  );
  assert.deepEqual(web.addresses(), ["127.0.0.1:80"]);
  dir.write("disco/web", "127.0.0.1 81");
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:81"]));
  // Once more, to see that the new folder is watched.
  dir.write("disco/web", "127.0.0.1 82");
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:82"]));
  web.close();
});

test("what the operating system does not tell is found by a look every few seconds", async () => {
  using dir = tempDir();
  dir.write("v1/web", "127.0.0.1 1");
  dir.write("v2/web", "127.0.0.1 2");
  symlinkSync(join(dir.path, "v1"), join(dir.path, "current"));
  const clock = fakeClock();
  const web = follow(create(join(dir.path, "current"), clock).namer, "/web");
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:1"]));
  symlinkSync(join(dir.path, "v2"), join(dir.path, "next"));
  renameSync(join(dir.path, "next"), join(dir.path, "current"));
  await clock.advance(1_000);
  assert.deepEqual(web.addresses(), ["127.0.0.1:1"]);
  await eventually(async () => {
    await clock.advance(5_000);
    assert.deepEqual(web.addresses(), ["127.0.0.1:2"]);
  });
  // The folder that took the name is watched now: its changes are told, and no look is needed.
  const swapped = clock.now();
  dir.write("v2/web", "127.0.0.1 3");
  await eventually(async () => {
    await clock.advance(20);
    assert.deepEqual(web.addresses(), ["127.0.0.1:3"]);
  }, 2_000);
  assert.ok(clock.now() - swapped < 5_000);
  web.close();
});

test("all files of a folder share one timer, each is still looked at, and the last to go ends it", async () => {
  using dir = tempDir();
  for (let i = 0; i < 50; i++) dir.write(`service-${i}`, `127.0.0.1 ${i + 1}`);
  const clock = fakeClock();
  const { namer } = create(dir.path, clock);
  const followed = Array.from({ length: 50 }, (_, i) => follow(namer, `/service-${i}`));
  await eventually(() => {
    for (const [i, each] of followed.entries()) assert.deepEqual(each.addresses(), [`127.0.0.1:${i + 1}`]);
  });
  await eventually(() => assert.equal(clock.sleepers, 1));
  for (let i = 0; i < 50; i++) dir.write(`service-${i}`, `127.0.0.1 ${i + 101}`);
  await eventually(async () => {
    await clock.advance(1_000);
    for (const [i, each] of followed.entries()) assert.deepEqual(each.addresses(), [`127.0.0.1:${i + 101}`]);
  });
  const last = followed.pop()!;
  for (const each of followed) each.close();
  dir.write("service-49", "127.0.0.1 999");
  await eventually(async () => {
    await clock.advance(1_000);
    assert.deepEqual(last.addresses(), ["127.0.0.1:999"]);
  });
  last.close();
  await eventually(() => assert.equal(clock.sleepers, 0));
});

test("files of a Kubernetes volume are followed through the link that swaps them", async () => {
  using dir = tempDir();
  dir.write("..v1/web", "127.0.0.1 1");
  dir.write("..v2/web", "127.0.0.1 2");
  symlinkSync("..v1", join(dir.path, "..data"));
  symlinkSync("..data/web", join(dir.path, "web"));
  const { namer } = create(dir.path);
  const web = follow(namer, "/web");
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:1"]));
  symlinkSync("..v2", join(dir.path, "..data_tmp"));
  renameSync(join(dir.path, "..data_tmp"), join(dir.path, "..data"));
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:2"]), 2_000);
  assert.deepEqual(
    namer.names().map(({ name }) => name.show()),
    ["/#/io.l5d.fs/web"],
  );
  web.close();
});

test("a name from a request cannot lead out of the folder", async () => {
  using dir = tempDir();
  dir.write("secret", "127.0.0.1 1");
  mkdirSync(join(dir.path, "disco"));
  const { namer } = create(join(dir.path, "disco"));
  for (const segments of [["..", "secret"], ["../secret"], [".", "..", "secret"], ["\0"], ["\xff"]]) {
    const tree = observe(namer.lookup(Path.of(...segments)).states);
    await eventually(() => assert.deepEqual(tree.last(), { tag: "ok", value: { tag: "neg" } }));
    tree.close();
  }
});

test("host names are resolved, each on its own", async () => {
  using dir = tempDir();
  dir.write("web", "web.test 80\n10.0.0.9 81 * 0.5\ngone.test 82");
  const clock = fakeClock();
  let ips = ["10.0.0.1", "10.0.0.2"];
  const { namer } = create(dir.path, clock, async (host) => {
    if (host === "web.test") return ips;
    throw Object.assign(new Error("not found"), { code: "ENOTFOUND" });
  });
  const web = follow(namer, "/web");
  await eventually(() => assert.deepEqual(web.addresses(), ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.9:81"]));
  ips = ["10.0.0.3"];
  await clock.advance(5_000);
  await eventually(() => assert.deepEqual(web.addresses(), ["10.0.0.3:80", "10.0.0.9:81"]));
  web.close();
});

test("names are what can be bound now", async () => {
  using dir = tempDir();
  for (const name of ["b", "a/c", ".hidden", "a/ü"]) dir.write(name, "");
  const { namer } = create(dir.path);
  assert.deepEqual(
    namer.names().map(({ name }) => name.show()),
    ["/#/io.l5d.fs/a/c", "/#/io.l5d.fs/a/\\xc3\\xbc", "/#/io.l5d.fs/b"],
  );
  dir.remove("a");
  assert.deepEqual(
    namer.names().map(({ name }) => name.show()),
    ["/#/io.l5d.fs/b"],
  );
});

test("what is watched does not keep the process alive", async () => {
  using dir = tempDir();
  dir.write("web", "127.0.0.1 80");
  const module = (path: string): string => JSON.stringify(join(import.meta.dirname, "../..", path));
  const script = `
    const { createFsNamer } = await import(${module("namers/fs.ts")});
    const { Path } = await import(${module("dtab/index.ts")});
    const { systemClock: clock } = await import(${module("daemon/shared/system-clock.ts")});
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const namer = createFsNamer(${JSON.stringify(dir.path)}, { prefix: Path.empty, clock, log });
    await new Promise((resolve) => namer.lookup(Path.read("/web")).observe((state) => {
      if (state.tag === "ok") state.value.value.addr.observe((addr) => addr.tag === "bound" && resolve());
    }));
    console.log("bound");`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
    timeout: 4_000,
  });
  assert.equal(stdout, "bound\n");
});

test("the state document tells what is watched, since when and what it holds", async () => {
  using dir = tempDir();
  dir.write("sub/web", "127.0.0.1 80");
  const { namer } = create(dir.path);
  const web = follow(namer, "/sub/web");
  await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
  const state = JSON.parse(JSON.stringify(namer.state()));
  assert.equal(state.state.running, true);
  assert.deepEqual(state.state.value, ["sub"]);
  assert.deepEqual(state.sub.files.web.value, [{ host: "127.0.0.1", port: 80, meta: {} }]);
  assert.match(state.sub.files.web.lastUpdatedAt, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000$/);
  web.close();
  await eventually(() => assert.equal(JSON.parse(JSON.stringify(namer.state())).state.running, false));
});
