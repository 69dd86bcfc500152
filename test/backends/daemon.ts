/** The whole daemon under steady traffic, for tests against real backends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, get, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../kit/eventually.ts";

const program = process.env["POINTSMAN"] ?? fileURLToPath(new URL("../../bin/pointsman", import.meta.url));

/** A running daemon. */
export interface Daemon {
  readonly port: number;
  readonly adminPort: number;
  /** The process. */
  readonly pid: number;
  /** One request for a host; the status and body of the answer. */
  ask(host: string): Promise<{ readonly status: number; readonly body: string }>;
  /** An admin page. */
  admin(path: string): Promise<string>;
  stop(): Promise<void>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
}

/** Starts it on a configuration; `{port}` and `{adminPort}` are filled in. */
export async function startDaemon(yaml: string): Promise<Daemon> {
  const folder = mkdtempSync(join(tmpdir(), "pointsman-backends-"));
  const [port, adminPort] = [await freePort(), await freePort()];
  const file = join(folder, "linkerd.yaml");
  writeFileSync(file, yaml.replaceAll("{port}", String(port)).replaceAll("{adminPort}", String(adminPort)));
  const child = spawn(program, ["run", file], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const admin = async (path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${adminPort}${path}`)).text();
  try {
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`the daemon ended:\n${output}`);
      if ((await admin("/readyz")) !== "ok\n") throw new Error("not ready");
    }, 20_000);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return {
    port,
    adminPort,
    pid: child.pid!,
    admin,
    ask: (host) => request(port, host, agent),
    async kill() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
    async stop() {
      agent.destroy();
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Requests for a host, 20 a second, until stopped; what came of them. */
export function traffic(daemon: Daemon, host: string) {
  const bodies: string[] = [];
  const failures: string[] = [];
  const timer = setInterval(() => {
    daemon.ask(host).then(
      ({ status, body }) =>
        status === 200 ? bodies.push(body) : failures.push(`${status} ${body.slice(0, 300)}`),
      (error: Error) => failures.push(error.message),
    );
  }, 50);
  return { bodies, failures, stop: () => clearInterval(timer) };
}

/** An endpoint that answers everything with its name. */
export async function endpoint(name: string): Promise<{ readonly port: number; close(): void }> {
  const server: Server = createServer((_request, response) => response.end(name));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const request = (port: number, host: string, agent: Agent) =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    const sent = get({ host: "127.0.0.1", port, agent, headers: { host } }, (response) => {
      let body = "";
      response.on("data", (text) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    sent.on("error", reject);
  });

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 12_000);
  await exit;
  clearTimeout(timer);
}
