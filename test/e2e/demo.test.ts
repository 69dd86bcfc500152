/** The demo does what it prints: its commands are read off the screen and run as they stand. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import net, { type AddressInfo } from "node:net";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { accepts } from "../../scripts/lib/ports.ts";
import { root } from "../arch/source-tree.ts";

let demo: ChildProcess;
/** Has the port that the demo would like. */
const squatter = net.createServer();
let screen = "";
/** The commands of each step, by its number on the screen. */
const steps: string[][] = [];

before(async () => {
  await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
  const { port } = squatter.address() as AddressInfo;
  const args = [path.join(root, "demo/main.ts"), "--port", String(port), "--admin-port", "0"];
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined };
  demo = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], env });
  const show = (chunk: Buffer) => {
    screen += chunk.toString();
  };
  demo.stdout?.on("data", show);
  demo.stderr?.on("data", show);
  await until("the tour is printed", () => screen.includes("Ctrl-C"));
  for (const line of screen.split("\n")) {
    if (/^ {2}\d+ \S/.test(line)) steps.push([]);
    const command = /^ {4}\$ (.*)$/.exec(line)?.[1];
    if (command !== undefined) steps.at(-1)?.push(command);
  }
});

after(() => {
  demo.kill("SIGKILL");
  squatter.close();
});

test("a port that is taken is replaced, and the demo says so", () => {
  const { port } = squatter.address() as AddressInfo;
  const other = Number(new RegExp(`${port}, is taken by another program: using (\\d+)`).exec(screen)?.[1]);
  assert.ok(other > 0, screen);
  assert.ok(steps[0]?.[0]?.includes(`:${other}/`));
});

test("the tour is plain text where NO_COLOR is set, and has six steps", () => {
  assert.equal(steps.length, 6);
  assert.ok(!screen.includes("\x1b"));
});

test("a plain request reaches web v1, which asks users through the proxy", async () => {
  assert.equal(await run(1, 0), "web v1: hello, Ada\n");
  assert.match(screen, /\/svc\/web → \/#\/io\.l5d\.fs\/web-v1 → web-v1 {2}GET \//);
  assert.match(screen, /\/svc\/users → \/#\/io\.l5d\.fs\/users → users {3}GET \/current/);
});

test("the staging header sends one request to v2, and the next one is as before", async () => {
  assert.equal(await run(2, 0), "web v2: hello, Ada\n");
  assert.equal(await run(1, 0), "web v1: hello, Ada\n");
});

test("a line in the dtab file splits the traffic", async () => {
  await run(3, 0);
  await until("both versions answer", async () => {
    const answers = await run(3, 1);
    assert.equal(answers.trim().split("\n").length, 10);
    return answers.includes("web v1") && answers.includes("web v2");
  });
});

test("a service that goes away is replaced by the other, without a lost request, and comes back", async () => {
  await run(4, 0);
  await until("only v2 answers", async () => {
    const answers = await run(4, 1);
    assert.match(answers, /^(web v\d: hello, Ada\n){6}$/);
    return !answers.includes("web v1");
  });
  await run(4, 2);
  await until("v1 answers again", async () => (await run(4, 1)).includes("web v1"));
});

test("a name that leads nowhere is a 502 that tells the stage, the name and the rules", async () => {
  const answer = await run(5, 0);
  assert.match(answer, /^HTTP\/1\.1 502 /);
  assert.match(answer, /\/svc\/nowhere/);
  assert.match(answer, /\/#\/io\.l5d\.fs/);
});

test("the metrics count what was sent", async () => {
  const metrics = await run(6, 0);
  assert.ok(Object.keys(JSON.parse(metrics) as object).length > 0, metrics);
  assert.match(metrics, /web/);
  assert.match(metrics, /requests/);
});

test("Ctrl-C ends the demo and removes its files", async () => {
  const folder = /(\S+)\/disco\//.exec(screen)?.[1] ?? "";
  const port = Number(/http:\/\/127\.0\.0\.1:(\d+)\/$/m.exec(steps[0]?.[0] ?? "")?.[1]);
  assert.ok(existsSync(folder));
  const exit = new Promise((resolve) => demo.once("exit", resolve));
  demo.kill("SIGINT");
  assert.equal(await exit, 0, screen.slice(-500));
  assert.ok(!existsSync(folder));
  assert.equal(await accepts(port), false);
});

async function run(step: number, command: number): Promise<string> {
  const line = steps[step - 1]?.[command] ?? "";
  assert.notEqual(line, "", `step ${step} has no command ${command + 1}`);
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", line], { timeout: 20_000 });
  return stdout;
}

/** Waits for what has no event to wait for: another process that reacts to a file. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await holds()); await sleep(50)) {
    assert.ok(
      Date.now() < deadline && demo.exitCode === null,
      `not within 20 s: ${what}\n${screen.slice(-2_000)}`,
    );
  }
}
