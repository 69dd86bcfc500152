/** The whole program as a process, under load, for tests of what it does to connections when it ends or is replaced. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../scripts/lib/ports.ts";
import { eventually } from "../kit/eventually.ts";
import { type TempDir, tempDir } from "../kit/temp-dir.ts";

/** The program. */
export const program = fileURLToPath(new URL("../../bin/pointsman", import.meta.url));
/** A line of the log. */
export type Line = Record<string, unknown>;

/** The program, started and initialized. */
export interface Run {
  readonly child: ChildProcess;
  readonly log: readonly Line[];
  /** What it has written to standard error. */
  readonly errors: readonly string[];
  readonly dir: TempDir;
  readonly port: number;
  readonly admin: number;
  /** The processes that took over, in turn. */
  taken(): readonly number[];
  signal(pid: number, signal: NodeJS.Signals): void;
}

/** Whether the log has so many lines with this message. */
export const has = (log: readonly Line[], message: string, times = 1): boolean =>
  log.filter((line) => line["message"] === message).length >= times;

/** An endpoint; `/slow` takes a while. */
export const answering = async (t: TestContext): Promise<number> => {
  const server = createServer((request, response) => {
    if (request.url === "/slow") setTimeout(() => response.end("slow"), 700);
    else response.end("fine");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
};

/** A configuration. */
export const yaml = (ports: { origin: number; port: number; admin: number }, workers = 1): string => `admin:
  port: ${ports.admin}
  shutdownGraceMs: 3000
workers: ${workers}
routers:
- protocol: http
  dtab: /svc => /$/inet/127.1/${ports.origin}
  servers: [{port: ${ports.port}}]
`;

/** Starts the program. */
export const run = async (
  t: TestContext,
  options: {
    readonly workers?: number;
    readonly env?: Record<string, string>;
    readonly args?: readonly string[];
    /** A plugin of its own, an identifier of kind `test.own`. */
    readonly identifier?: string;
  } = {},
): Promise<Run> => {
  const dir = tempDir();
  t.after(() => dir[Symbol.dispose]());
  const origin = await answering(t);
  const [port, admin] = (await freePorts(2)) as [number, number];
  let text = yaml({ origin, port, admin }, options.workers);
  if (options.identifier !== undefined) {
    dir.write("own.mjs", options.identifier);
    text = `plugins: [${dir.path}/own.mjs]\n${text}  identifier: {kind: test.own}\n`;
  }
  dir.write("linkerd.yaml", text);
  const child = spawn(program, ["run", path.join(dir.path, "linkerd.yaml"), ...(options.args ?? [])], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
  });
  const errors: string[] = [];
  createInterface(child.stderr!).on("line", (line) => void errors.push(line));
  const log: Line[] = [];
  createInterface(child.stdout!).on("line", (line) => void log.push(JSON.parse(line) as Line));
  const taken = (): readonly number[] =>
    log.flatMap(({ message, pid }) => (message === "a new process has taken over" ? [Number(pid)] : []));
  const signal = (pid: number, name: NodeJS.Signals): void => {
    try {
      process.kill(pid, name);
    } catch {} // it has ended
  };
  t.after(() => {
    for (const pid of [child.pid!, ...taken()]) signal(pid, "SIGKILL");
  });
  await eventually(() => assert.ok(has(log, "initialized"), errors.join("\n")), 20_000);
  return { child, log, errors, dir, port, admin, taken, signal };
};

/** Status and body of one request, on a connection of its own unless there is an agent. */
export const fetchText = (port: number, agent: Agent | false, target = "/"): Promise<string> =>
  new Promise((resolve, reject) => {
    get(
      {
        host: "127.0.0.1",
        port,
        agent: agent || new Agent({ maxSockets: 1 }),
        path: target,
        headers: { host: "web" },
      },
      (answer) => {
        let body = `${answer.statusCode} `;
        answer.setEncoding("latin1").on("data", (chunk) => (body += chunk));
        answer.on("end", () => resolve(body));
        answer.on("error", reject);
      },
    ).on("error", reject);
  });

/** New connections and kept ones, all the time; `end` tells how many were answered and what went wrong. */
export const load = (port: number) => {
  const wrong: string[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  let over = false;
  let answered = 0;
  const caller = async (with_: Agent | false, target: string, body: string): Promise<void> => {
    while (!over) {
      try {
        const text = await fetchText(port, with_, target);
        if (text !== `200 ${body}`) wrong.push(text);
        answered += 1;
      } catch (cause) {
        wrong.push(String(cause));
      }
      await new Promise((resolve) => setTimeout(resolve, with_ === false ? 1 : 5));
    }
  };
  const callers = [
    ...Array.from({ length: 4 }, () => caller(false, "/", "fine")),
    ...Array.from({ length: 3 }, () => caller(agent, "/", "fine")),
    caller(agent, "/slow", "slow"),
  ];
  return {
    answered: () => answered,
    end: async () => {
      over = true;
      await Promise.all(callers);
      agent.destroy();
      return { answered, wrong };
    },
  };
};
