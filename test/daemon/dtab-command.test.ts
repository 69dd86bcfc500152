/** `pointsman dtab`: what it prints and how it exits. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { dtabCommand } from "../../daemon/cli/dtab.ts";
import { tempDir } from "../kit/temp-dir.ts";

async function run(args: readonly string[], stdin = "") {
  let out = "";
  let err = "";
  const code = await dtabCommand(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readStdin: async () => stdin,
  });
  return { code, out, err };
}

test("parse lists the rules in the order in which they are tried", async () => {
  const { code, out } = await run(["parse", "/a => /b ; /c => /d | /e & 0.001 * /f"]);
  assert.equal(code, 0);
  assert.equal(out, "2 rules, tried from the first line on:\n    2  /c=>/d | /e & 0.001*/f\n    1  /a=>/b\n");
});

test("a mistake is shown with its line and a caret below it", async () => {
  using dir = tempDir();
  dir.write("bad.dtab", "/a => /b ;\n\t/c = /d ;\n");
  const file = join(dir.path, "bad.dtab");
  const { code, out, err } = await run(["parse", file]);
  assert.deepEqual([code, out], [1, ""]);
  assert.equal(err, `pointsman dtab: ${file}:2:6: '>' expected but ' ' found\n  \t/c = /d ;\n  \t    ^\n`);
});

test("a dtab comes from an argument, a file or standard input", async () => {
  using dir = tempDir();
  dir.write("web.dtab", "/a => /b ;");
  assert.equal((await run(["show", "/a=>/b"])).out, "/a=>/b\n");
  assert.equal((await run(["show", join(dir.path, "web.dtab")])).out, "/a=>/b\n");
  assert.equal((await run(["show", "-"], " /a => /b\n")).out, "/a=>/b\n");
  const missing = await run(["show", "nowhere.dtab"]);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /nowhere\.dtab is neither a dtab \(it has no =>\) nor a file/);
});

test("delegate shows every alternative with the rule that led to it", async () => {
  const { code, out } = await run([
    "delegate",
    "/svc => /host | /$/nil; /host => /$/inet/127.1",
    "/svc/80/x",
  ]);
  assert.equal(code, 0);
  assert.equal(
    out,
    `/svc/80/x   the first of
├─ /host/80/x   by /svc=>/host | /$/nil
│  └─ /$/inet/127.1/80/x   is bound to /$/inet/127.1/80, rest /x   by /host=>/$/inet/127.1
└─ /$/nil/80/x   names an empty set ($)   by /svc=>/host | /$/nil
`,
  );
});

test("delegate --json is the document of /delegator.json", async () => {
  const { out } = await run(["delegate", "/svc => /$/inet/127.1/80", "/svc", "--json"]);
  assert.deepEqual(JSON.parse(out), {
    type: "delegate",
    path: "/svc",
    delegate: {
      type: "leaf",
      path: "/$/inet/127.1/80",
      dentry: { prefix: "/svc", dst: "/$/inet/127.1/80" },
      bound: {
        addr: { type: "bound", addrs: [{ ip: "127.0.0.1", port: 80, meta: {} }], meta: {} },
        id: "/$/inet/127.1/80",
        path: "/",
      },
    },
  });
});

test("bind waits for all branches and shows their addresses", async () => {
  using dir = tempDir();
  dir.write("web", "127.0.0.1 80\n127.0.0.2 81 * 0.5");
  const { code, out } = await run([
    "bind",
    "/svc => 9 * /#/io.l5d.fs & /$/inet/127.1/1",
    "/svc/web",
    "--fs",
    dir.path,
  ]);
  assert.equal(code, 0);
  assert.equal(
    out,
    `one of
├─ 9 * /#/io.l5d.fs/web
│  ├─ 127.0.0.1:80
│  └─ 127.0.0.2:81 endpoint_addr_weight=0.5
└─ 1 * /$/inet/127.1/1   rest /web
   └─ 127.0.0.1:1
`,
  );
});

test("a name that leads nowhere or to itself is status 1 with the reason", async () => {
  assert.deepEqual(await run(["bind", "", "/a"]), { code: 1, out: "~   names nothing\n", err: "" });
  const loop = await run(["bind", "/a => /b; /b => /a", "/a"]);
  assert.equal(loop.code, 1);
  assert.match(loop.err, /Delegation loop: \/a → \/b → \/a/);
});

test("wrong usage is status 2", async () => {
  for (const args of [
    [],
    ["frob"],
    ["parse"],
    ["bind", "/a=>/b"],
    ["parse", "/a=>/b", "/c"],
    ["bind", "", "/a", "--timeout", "x"],
  ]) {
    const { code, err } = await run(args);
    assert.equal(code, 2, args.join(" "));
    assert.match(err, /See pointsman dtab --help/);
  }
  assert.match((await run(["--help"])).out, /^Usage: pointsman dtab parse/);
});
