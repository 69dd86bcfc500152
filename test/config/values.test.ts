/** What the values of a file become: scalars by what the schema wants, defaults, short forms, anchors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints, load, withRouter } from "./kit.ts";

const router = async (lines: string) => (await load(withRouter(lines))).routers[0]!;
const server = async (lines: string) =>
  (await load(`routers:\n- protocol: http\n  servers:\n  - {${lines}}\n`)).routers[0]!.servers[0]!;

test("a silent file gets Linkerd 1's defaults, and ours", async () => {
  const config = await load("routers: [{protocol: http, servers: [{}]}]");
  assert.equal(config.workers, 3);
  assert.deepEqual(
    [config.admin.ip, config.admin.port, config.admin.shutdownGraceMs],
    ["127.0.0.1", 9990, 10_000],
  );
  const [first] = config.routers;
  assert.equal(first!.label, "http");
  assert.equal(first!.dstPrefix, "/svc");
  assert.deepEqual(first!.bindingCache, {
    paths: 1000,
    trees: 1000,
    bounds: 1000,
    clients: 1000,
    idleTtlSecs: 600,
  });
  assert.deepEqual(first!.identifier, [{ kind: "io.l5d.header.token", header: "Host" }]);
  assert.equal(first!.interpreter.kind, "default");
  assert.deepEqual(first!.client, { kind: "io.l5d.global" });
  const [only] = first!.servers;
  assert.deepEqual([only!.port, only!.ip, only!.maxCallDepth], [4140, "127.0.0.1", 1000]);
  assert.deepEqual(
    [only!.requestHeadTimeoutMs, only!.requestBodyTimeoutMs, only!.serverSession.idleTimeMs],
    [30_000, 60_000, 600_000],
  );
});

test("a loaded configuration can be sent to a worker", async () => {
  const config = await load(withRouter("dtab: /svc => /a"));
  assert.deepEqual(structuredClone(config), config);
});

for (const [word, value] of [
  ["true", true],
  ["yes", true],
  ["On", true],
  ['"true"', true],
  ["FALSE", false],
  ["no", false],
  ["off", false],
] as const) {
  test(`${word} is ${value} where a boolean is wanted`, async () => {
    assert.equal((await router(`originator: ${word}`)).originator, value);
  });
}

test("a word that is no boolean is refused", async () => {
  assert.deepEqual(await complaints(withRouter("originator: yep")), [
    'l5d.yaml:4:15: routers[0].originator: expected true or false, got "yep"',
  ]);
});

for (const [text, value] of [
  ["4140", 4140],
  ['"4140"', 4140],
  ["'4_140'", 4140],
  ["0010", 10],
  ["+80", 80],
] as const) {
  test(`${text} is the port ${value}`, async () => {
    assert.equal((await server(`port: ${text}`)).port, value);
  });
}

for (const text of ["0x1F", "4140.5", "1__0", "80a", '""', "[1]"]) {
  test(`${text} is no port`, async () => {
    const [line, ...rest] = await complaints(`routers:\n- protocol: http\n  servers:\n  - port: ${text}\n`);
    assert.match(line!, /^l5d\.yaml:4:11: .*port: expected integer from 0 to 65535, got /);
    assert.deepEqual(rest, []);
  });
}

test("null is as if the key were absent", async () => {
  const { label, identifier } = await router("label: null\nidentifier: ~\ndtab:");
  assert.deepEqual([label, identifier[0]!.kind], ["http", "io.l5d.header.token"]);
});

test("a text may look like a number or a boolean", async () => {
  assert.equal((await router("label: 007")).label, "007");
  assert.equal((await router("label: yes")).label, "yes");
});

for (const [text, ip] of [
  ["localhost", "127.0.0.1"],
  ["0.0.0.0", "0.0.0.0"],
  ["'::1'", "::1"],
  ["'0:0::1'", "::1"],
  ["proxy.internal", "proxy.internal"],
] as const) {
  test(`${text} is the address ${ip}`, async () => {
    assert.equal((await server(`ip: ${text}`)).ip, ip);
  });
}

for (const text of ["127.0.0.300", "127.1", "'::g'", "a..b", "-a", "a b"]) {
  test(`${text} is no address`, async () => {
    const found = await complaints(`routers:\n- protocol: http\n  servers:\n  - ip: ${text}\n`);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0]!, /ip: (not an IP|neither an IP)/);
  });
}

test("an identifier may be one or a list", async () => {
  const kinds = async (lines: string) => (await router(lines)).identifier.map(({ kind }) => kind);
  assert.deepEqual(await kinds("identifier: {kind: io.l5d.path}"), ["io.l5d.path"]);
  assert.deepEqual(await kinds("identifier: [{kind: io.l5d.path}, {kind: io.l5d.header}]"), [
    "io.l5d.path",
    "io.l5d.header",
  ]);
});

test("nothing else may be one instead of a list", async () => {
  assert.deepEqual(await complaints("namers: {kind: io.l5d.fs, rootDir: a}\n" + withRouter("")), [
    "l5d.yaml:1:9: namers: expected a list, got an object",
  ]);
});

test("a kind without io.l5d. is the same kind, and a namer's prefix is the kind as written", async () => {
  const { namers, routers } = await load(
    "namers: [{kind: fs, rootDir: a}, {kind: io.l5d.fs, rootDir: a}, {kind: fs, rootDir: a, prefix: /disco}]\n" +
      withRouter("identifier: {kind: methodAndHost}\nclient: {kind: static, configs: []}"),
  );
  assert.deepEqual(
    namers.map(({ kind, prefix }) => [kind, prefix]),
    [
      ["io.l5d.fs", "/fs"],
      ["io.l5d.fs", "/io.l5d.fs"],
      ["io.l5d.fs", "/disco"],
    ],
  );
  assert.equal(routers[0]!.identifier[0]!.kind, "io.l5d.methodAndHost");
  assert.equal(routers[0]!.client.kind, "io.l5d.static");
});

test("aliases and merge keys stand for what they name", async () => {
  const { routers } = await load(`routers:
- &first
  protocol: http
  label: one
  servers: [&server {port: 1, clearContext: on}]
- <<: *first
  label: two
  servers: [{<<: *server, port: 2}]
`);
  assert.deepEqual(
    routers.map(({ label, servers: [server] }) => [label, server!.port, server!.clearContext]),
    [
      ["one", 1, true],
      ["two", 2, true],
    ],
  );
});

test("an anchor that holds itself, and a bomb of aliases, end with an error", async () => {
  assert.match((await complaints("routers: &a [*a]"))[0]!, /nested too deep/);
  const levels = "abcdefgh".split("");
  const bomb = levels
    .map(
      (name, index) =>
        `${name}: &${name} [${Array(10)
          .fill(index === 0 ? "x" : `*${levels[index - 1]}`)
          .join(", ")}]`,
    )
    .join("\n");
  assert.match((await complaints(bomb))[0]!, /too large once its aliases are replaced/);
});

test("only the first document counts", async () => {
  assert.equal(
    (await load(`${withRouter("label: first")}---\nrouters: nonsense\n`)).routers[0]!.label,
    "first",
  );
});

test("a text that begins with a brace is JSON, tabs and all", async () => {
  const text =
    '\n{\n\t"routers": [\n\t\t{"protocol": "http", "dtab": "/svc => /a;\\n/b => /c", "servers": [{"port": 1}]}\n\t]\n}\n';
  assert.equal((await load(text)).routers[0]!.dtab, "/svc => /a;\n/b => /c");
});

test("brackets and braces may close where their key begins, as in Linkerd 1", async () => {
  assert.equal((await router("identifier: {\n  kind: io.l5d.path\n}\nlabel: after")).label, "after");
});

test("a byte order mark is no part of the file", async () => {
  assert.equal((await load(`\uFEFF${withRouter("label: a")}`)).routers[0]!.label, "a");
});
