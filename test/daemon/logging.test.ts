/** Logging: JSON lines, levels by logger name, lines for people. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogging, readLevel } from "../../daemon/control/logging.ts";

const capture = (isTTY = false) => {
  const lines: string[] = [];
  return { lines, output: { isTTY, write: (text: string) => void lines.push(text) } };
};

test("a log line is one JSON object with time, level, logger, message and facts", () => {
  const { lines, output } = capture();
  createLogging(output).logger("admin").info("serving", { port: 9990 });
  assert.equal(lines.length, 1);
  const entry = JSON.parse(lines[0]!);
  assert.ok(Math.abs(Date.parse(entry.time) - Date.now()) < 60_000);
  delete entry.time;
  assert.deepEqual(entry, { level: "info", logger: "admin", port: 9990, message: "serving" });
});

test("an error among the facts is written with its causes", () => {
  const { lines, output } = capture();
  const cause = new Error("inner");
  createLogging(output)
    .logger("x")
    .warn("failed", { cause: new Error("outer", { cause }) });
  assert.match(JSON.parse(lines[0]!).cause, /Error: outer[\s\S]*caused by Error: inner/);
});

test("what is below the level of its logger is not written", () => {
  const { lines, output } = capture();
  const logging = createLogging(output, "WARNING");
  logging.logger("a").info("no");
  logging.logger("a").warn("yes");
  assert.equal(lines.length, 1);
});

test("the level of a logger holds for those below it that have none of their own", () => {
  const { lines, output } = capture();
  const logging = createLogging(output);
  const zero = logging.logger("worker/0");
  const one = logging.logger("worker/1");
  const admin = logging.logger("admin");
  assert.equal(logging.setLevel("worker", "debug"), undefined);
  assert.equal(logging.setLevel("worker/1", "ERROR"), undefined);
  zero.debug("yes");
  one.info("no");
  admin.debug("no");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).message),
    ["yes"],
  );
  assert.equal(logging.threshold("worker/7"), "debug");
});

test("a logger that is made after a change of level obeys it", () => {
  const { lines, output } = capture();
  const logging = createLogging(output);
  logging.setLevel("root", "OFF");
  logging.logger("late").error("no");
  assert.deepEqual(lines, []);
});

test("an unknown level or logger is refused by name, and nothing changes", () => {
  const logging = createLogging(capture().output);
  logging.logger("admin");
  assert.match(logging.setLevel("admin", "LOUD") ?? "", /no such level: LOUD; there are OFF, FATAL/);
  assert.match(logging.setLevel("nobody", "INFO") ?? "", /no such logger: nobody/);
  assert.deepEqual(logging.levels(), [
    { logger: "root", level: "INFO" },
    { logger: "admin", level: "INFO" },
  ]);
});

test("whoever listens is told of each change", () => {
  const logging = createLogging(capture().output);
  let told = 0;
  logging.onChange(() => told++);
  logging.setLevel("root", "DEBUG");
  logging.setLevel("root", "LOUD");
  assert.equal(told, 1);
});

test("levels are read in any case, and as other loggers spell them", () => {
  assert.equal(readLevel("debug"), "DEBUG");
  assert.equal(readLevel("Warn"), "WARNING");
  assert.equal(readLevel("verbose"), undefined);
});

test("on a terminal a line is for people, and control characters do not reach it", () => {
  const { lines, output } = capture(true);
  createLogging(output).logger("admin").info("hello\x1b[2J", { path: "/svc/web" });
  const text = lines[0]!.replace(/\x1b\[\d+m/g, "");
  assert.match(text, /^\d\d:\d\d:\d\d\.\d{3} INFO {2}admin hello\ufffd\[2J path=\/svc\/web\n$/);
});
