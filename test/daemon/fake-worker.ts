/**
 * A data worker for tests of the control plane: it listens where the configuration says, and obeys lines that are sent
 * to it: `die`, `throw`, `count NAME`, `record NAME MS`, `bind PATH`, `log TEXT`, `hang`; it answers each with what it
 * knows.
 */
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { parentPort, workerData } from "node:worker_threads";
import {
  listenerAddress,
  type ToControl,
  type ToWorker,
  type WorkerStart,
} from "../../daemon/shared/messages.ts";
import { createMetrics } from "../../daemon/shared/metrics-memory.ts";

const { routers, workerId, sockets } = workerData as WorkerStart;
const { key, config } = routers[0]!;
const port = parentPort!;
const tell = (message: ToControl): void => port.postMessage(message);
const metrics = createMetrics((changes) => tell({ type: "metrics", changes }));
const open = new Set<Socket>();
let level = "none";
let drains = true;
let lastBind = 0;
const waiting = new Map<number, Socket>();

const obey = (socket: Socket, line: string): void => {
  const [command, name = "", value = "1"] = line.split(" ");
  const scope = metrics.scope("rt", config.label);
  switch (command) {
    case "die":
      process.exit(3);
      break;
    case "throw":
      setImmediate(() => {
        throw new Error("the worker's own bug");
      });
      break;
    case "count":
      scope.scope("service", name).counter("requests").incr();
      break;
    case "record":
      scope.scope("service", name).stat("request_latency_ms").record(Number(value));
      break;
    case "end":
      scope.scope("service", name).close();
      break;
    case "bind":
      lastBind += 1;
      waiting.set(lastBind, socket);
      tell({ type: "bind", bind: lastBind, router: key, dtab: "", path: name });
      return;
    case "log":
      tell({ type: "log", level: "warn", message: name, fields: { workerId } });
      break;
    case "hang":
      drains = false;
      break;
  }
  socket.write(`ok ${workerId} ${level}\n`);
};

port.on("message", (message: ToWorker) => {
  switch (message.type) {
    case "level":
      level = message.level;
      break;
    case "bound":
      waiting.get(message.bind)?.write(`${JSON.stringify(message.state)}\n`);
      break;
    case "addr":
      for (const socket of waiting.values()) socket.write(`${JSON.stringify(message.addr)}\n`);
      break;
    case "drain":
      for (const server of servers) server.close();
      for (const socket of open) socket.destroy();
      if (drains) tell({ type: "drained" });
      break;
  }
});

const servers = routers
  .flatMap((router) => router.config.servers)
  .map(({ ip, port }) => {
    const server = createServer((socket) => {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => open.delete(socket));
      // A reader hands on the errors of what it reads: a test that leaves early must not end the worker.
      createInterface(socket)
        .on("line", (line) => obey(socket, line))
        .on("error", () => {});
    });
    const fd = sockets[listenerAddress({ ip, port })];
    return server.listen(fd === undefined ? { host: ip, port, reusePort: true } : { fd });
  });
await Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve))));
tell({ type: "ready" });
