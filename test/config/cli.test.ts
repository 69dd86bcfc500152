/** The commands `check` and `schema`, and the program around them. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { checkCommand } from "../../daemon/cli/check.ts";
import type { CliIo } from "../../daemon/cli/io.ts";
import { schemaCommand } from "../../daemon/cli/schema.ts";

const good = "routers: [{protocol: http, servers: [{port: 0}]}]";
const bad = "routers: [{protocol: http, servers: [{port: a}]}]";

const io = (input = ""): CliIo & { readonly text: { out: string; err: string } } => {
  const text = { out: "", err: "" };
  return {
    text,
    out: (chunk) => void (text.out += chunk),
    err: (chunk) => void (text.err += chunk),
    readStdin: async () => input,
  };
};

test("check says that a file is good, and ends with 0", async () => {
  const world = io(good);
  assert.equal(await checkCommand(["-"], world), 0);
  assert.equal(world.text.out, "<stdin>: good (1 router, 1 server, 0 namers)\n");
});

test("check tells file, line and column of what is wrong, and ends with 1", async () => {
  const world = io(bad);
  assert.equal(await checkCommand(["-"], world), 1);
  assert.equal(
    world.text.out,
    '<stdin>:1:45: routers[0].servers[0].port: expected integer from 0 to 65535, got "a"\n',
  );
});

test("check --json tells the same as data", async () => {
  const world = io(bad);
  assert.equal(await checkCommand(["--json", "-"], world), 1);
  assert.deepEqual(JSON.parse(world.text.out), [
    {
      file: "<stdin>",
      valid: false,
      issues: [
        {
          code: "invalid",
          path: "routers[0].servers[0].port",
          message: 'expected integer from 0 to 65535, got "a"',
          line: 1,
          col: 45,
        },
      ],
      warnings: [],
    },
  ]);
});

test("check of no file, or of one that is not there, says so", async () => {
  const world = io();
  assert.equal(await checkCommand([], world), 2);
  assert.equal(await checkCommand(["/no/such/file.yaml"], world), 1);
  assert.equal(await checkCommand(["/"], world), 1);
  assert.match(
    world.text.err,
    /which file\?[\s\S]*\/no\/such\/file\.yaml: no such file[\s\S]*\/: it is a directory/,
  );
});

test("schema prints draft-07 with the blocks of every plugin", async () => {
  const world = io();
  assert.equal(await schemaCommand([], world), 0);
  const schema = JSON.parse(world.text.out);
  assert.equal(schema.$schema, "http://json-schema.org/draft-07/schema#");
  assert.ok(schema.definitions["http-identifier"].properties.kind.enum.includes("io.l5d.methodAndHost"));
  assert.doesNotMatch(world.text.out, /"(slot|place|~optional|orSingle)"/);
});

const main = fileURLToPath(new URL("../../daemon/main.ts", import.meta.url));
const pointsman = (args: readonly string[], input = "") => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", main, ...args],
    {
      input,
      encoding: "utf8",
      timeout: 20_000,
      cwd: path.dirname(main),
    },
  );
  return { status, stdout, stderr };
};

test("the program checks standard input", () => {
  assert.deepEqual(pointsman(["check", "-"], good), {
    status: 0,
    stdout: "<stdin>: good (1 router, 1 server, 0 namers)\n",
    stderr: "",
  });
});

test("Linkerd 1's -validate is check", () => {
  assert.equal(pointsman(["-validate", "-"], bad).status, 1);
});

test("run refuses a bad configuration, tells what is wrong and starts nothing", () => {
  const { status, stdout, stderr } = pointsman(["run", "-"], bad);
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(
    stderr,
    /^<stdin>:1:45: routers\[0\]\.servers\[0\]\.port: .*\npointsman: not started: 1 problem in <stdin>\n$/,
  );
});

test("run tells a port that is taken with its line, and ends", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const { status, stderr } = pointsman(
    ["run", "-"],
    `admin: {port: 0}\nworkers: 1\nrouters:\n- {protocol: http, servers: [{port: ${port}}]}\n`,
  );
  taken.close();
  assert.equal(status, 1);
  assert.match(stderr, /^<stdin>:4:37: routers\[0\]\.servers\[0\]\.port: 127\.0\.0\.1:\d+ is in use\n/);
});

/** Runs the program until it serves, then sends signals; how it ended. */
async function runUntil(signals: readonly NodeJS.Signals[], hold: boolean): Promise<number | null> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, "run", "-"]);
  const ended = once(child, "exit") as Promise<[number | null]>;
  child.stdin.end("admin: {port: 0}\nworkers: 1\nrouters:\n- {protocol: http, servers: [{port: 0}]}\n");
  let log = "";
  await new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk) => {
      log += chunk;
      if (log.includes('"initialized"')) resolve();
    });
  });
  const { port } = JSON.parse(log.split("\n").find((line) => line.includes('"message":"serving"'))!);
  // A request that never ends keeps the first signal's drain waiting.
  const caller = connect(port, "127.0.0.1");
  await once(caller, "connect");
  caller.on("error", () => {}); // However the daemon closes it.
  if (hold) {
    caller.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n1");
    await delay(200);
  }
  for (const signal of signals) {
    child.kill(signal);
    await delay(100);
  }
  const [code] = await ended;
  caller.destroy();
  return code;
}

test("run ends with 0 after a signal", async () => {
  assert.equal(await runUntil(["SIGTERM"], false), 0);
});

test("a second signal ends run at once", async () => {
  assert.equal(await runUntil(["SIGINT", "SIGINT"], true), 1);
});

test("an unknown command is told with the one that was meant", () => {
  const { status, stderr } = pointsman(["chekc"]);
  assert.equal(status, 2);
  assert.match(stderr, /unknown command "chekc"; did you mean "check"\?/);
});

test("an unknown option is wrong usage", () => {
  const { status, stderr } = pointsman(["check", "--jsn", "a"]);
  assert.equal(status, 2);
  assert.match(stderr, /Unknown option '--jsn'/);
});

test("--help and --version answer, for commands too", () => {
  assert.match(pointsman(["--version"]).stdout, /^pointsman \d+\.\d+\.\d+ \(Node\.js v/);
  assert.match(pointsman(["--help"]).stdout, /Commands:[\s\S]*Examples:/);
  for (const command of ["run", "check", "schema"]) {
    assert.match(
      pointsman([command, "--help"]).stdout,
      new RegExp(`^Usage: pointsman ${command}[\\s\\S]*Examples:`),
    );
  }
  assert.equal(pointsman([]).status, 2);
});
