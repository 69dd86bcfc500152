/** A daemon for tests: real sockets on free ports, a fake data worker, and the log kept. */
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { checkConfig } from "../../config/load.ts";
import { builtinRegistry } from "../../daemon/builtin.ts";
import { type Daemon, type StartOptions, startDaemon } from "../../daemon/control/supervisor.ts";
import { loadUserPlugins } from "../../plugins/registry.ts";
import { nodeBinding } from "../kit/node-binding.ts";

/** A started daemon with its log. */
export interface Rig {
  readonly daemon: Daemon;
  readonly log: Record<string, unknown>[];
  /** A page of the admin server. */
  get(path: string, init?: RequestInit): Promise<Response>;
  /** Sends a line to a fake worker and waits for `answers` lines. */
  tell(line: string, answers?: number): Promise<string[]>;
}

/** Starts a daemon on a configuration; `stop` it at the end. */
export const start = async (text: string, options: Partial<StartOptions> = {}): Promise<Rig> => {
  const registry = builtinRegistry();
  const { config, issues } = await checkConfig(text, {
    kinds: async (plugins, named) => {
      const { problems } = await loadUserPlugins(plugins, "/", registry);
      await registry.load(named);
      return { kinds: registry, problems };
    },
    files: { isFile: () => true, isDirectory: () => true },
    workers: 1,
  });
  if (config === undefined) throw new Error(issues.map(({ message }) => message).join("\n"));
  const log: Record<string, unknown>[] = [];
  const daemon = await startDaemon({
    config,
    configText: text,
    configPath: "linkerd.yaml",
    registry,
    stdout: { write: (line) => void log.push(JSON.parse(line)) },
    workerUrl: new URL("./fake-worker.ts", import.meta.url),
    binding: nodeBinding,
    ...options,
  });
  const [server] = daemon.servers;
  return {
    daemon,
    log,
    get: (path, init) => fetch(`http://127.0.0.1:${daemon.admin.port}${path}`, init),
    tell: (line, answers = 1) => tell(server!.port, line, answers),
  };
};

const tell = async (port: number, line: string, answers: number): Promise<string[]> => {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(`${line}\n`);
  const lines: string[] = [];
  for await (const answer of createInterface(socket)) {
    lines.push(answer);
    if (lines.length >= answers) break;
  }
  socket.destroy();
  return lines;
};

/** Waits until a condition holds, for ten seconds at most: a machine that has much else to do is slow. */
export const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  const deadline = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error("it did not come to hold within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
