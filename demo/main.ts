/** `npm start`: a proxy with three small services around it, and a tour to paste into another terminal. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { accepts, freePorts } from "../scripts/lib/ports.ts";
import { openBackends } from "./backends.ts";
import { farewell, request, welcome } from "./screen.ts";
import { initialDtab, linkerdYaml, type Place, tour } from "./tour.ts";

const { values: options } = parseArgs({
  options: { port: { type: "string", default: "4140" }, "admin-port": { type: "string", default: "9990" } },
});

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stopping.abort());
const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener("abort", () => resolve()));

const folder = await mkdtemp(path.join(os.tmpdir(), "pointsman-demo-"));
let proxy: ChildProcess | undefined;
let place: Place = { port: 0, adminPort: 0, folder };
const backends = await openBackends(
  () => place.port,
  (seen) => console.log(request(seen)),
);
try {
  const port = await portOrAnother(Number(options.port), "The proxy's port");
  const adminPort = await portOrAnother(Number(options["admin-port"]), "The admin port");
  place = { port, adminPort, folder };
  await mkdir(path.join(folder, "disco"));
  for (const { name, port } of backends) {
    await writeFile(path.join(folder, "disco", name), `127.0.0.1 ${port}\n`);
  }
  await writeFile(path.join(folder, "dtab"), initialDtab);
  await writeFile(path.join(folder, "linkerd.yaml"), linkerdYaml(place));
  proxy = await startProxy(place);
  const ended = new Promise<void>((resolve) => proxy?.once("exit", () => resolve()));
  console.log(welcome(place, backends, tour(place)));
  await Promise.race([stopped, ended]);
  if (!stopping.signal.aborted) throw new Error("The proxy ended by itself; its last words are above.");
  console.log(farewell());
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await stopProxy(proxy);
  await Promise.all(backends.map((backend) => backend.close()));
  await rm(folder, { recursive: true, force: true });
}
// Whatever still held the process would only delay the prompt.
process.exit();

/** `port`, or a free one if that is taken. */
async function portOrAnother(port: number, what: string): Promise<number> {
  if (port !== 0 && (await isFree(port))) return port;
  const [free = 0] = await freePorts(1);
  if (port !== 0) console.log(`${what}, ${port}, is taken by another program: using ${free}.`);
  return free;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

async function startProxy({ folder, port, adminPort }: Place): Promise<ChildProcess> {
  const command = fileURLToPath(new URL("../bin/pointsman", import.meta.url));
  const child = spawn(command, ["run", path.join(folder, "linkerd.yaml")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const keep = (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  child.once("exit", () => {
    if (!stopping.signal.aborted) console.error(said);
  });
  for (
    const deadline = Date.now() + 15_000;
    !((await accepts(port)) && (await accepts(adminPort)));
    await sleep(50)
  ) {
    if (child.exitCode !== null) throw new Error("The proxy did not start; the reason is above.");
    if (stopping.signal.aborted) return child;
    if (Date.now() < deadline) continue;
    child.kill("SIGKILL");
    throw new Error("The proxy was not ready within 15 s.");
  }
  return child;
}

async function stopProxy(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await exit;
  clearTimeout(force);
}
