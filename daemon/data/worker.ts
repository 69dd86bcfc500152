/** A data worker: a thread with its own listeners, routers and connections, fed by the control thread over one port. */
import { parentPort, workerData } from "node:worker_threads";
import type { Logger, PluginContext } from "../../plugins/contract.ts";
import { loadUserPlugins, Registry } from "../../plugins/registry.ts";
import type { ToControl, ToWorker, WorkerStart } from "../shared/messages.ts";
import { createMetrics } from "../shared/metrics-memory.ts";
import { systemClock } from "../shared/system-clock.ts";
import { guarded, logBugsTo } from "./bugs.ts";
import { dataPlugins } from "./builtin.ts";
import { InFlight } from "./router/in-flight.ts";
import { Router, type WorkerServices } from "./router/router.ts";
import { Listener } from "./server/listener.ts";
import { Sweeper } from "./sweeper.ts";
import { TimerWheel } from "./timer-wheel.ts";
import type { WorkerShare } from "./worker-share.ts";

const port = parentPort!;
const post = (message: ToControl): void => port.postMessage(message);

const logAt =
  (level: "debug" | "info" | "warn" | "error") =>
  (message: string, fields?: Readonly<Record<string, unknown>>): void =>
    post(fields === undefined ? { type: "log", level, message } : { type: "log", level, message, fields });

const log: Logger = {
  debug: logAt("debug"),
  info: logAt("info"),
  warn: logAt("warn"),
  error: logAt("error"),
};

async function start({ workerId, config, plugins, places, inFlight }: WorkerStart): Promise<void> {
  logBugsTo(log);
  const registry = new Registry(dataPlugins);
  const { problems } = await loadUserPlugins(plugins, "/", registry);
  if (problems.length > 0) throw new Error(problems.map((problem) => problem.message).join("; "));
  const metrics = createMetrics((changes) => post({ type: "metrics", changes }), {
    onOverflow: (budget) => log.warn("too many series; further ones share _overflow", { budget }),
  });
  const plugin: PluginContext = { log, clock: systemClock, random: Math.random, metrics };
  let binds = 0;
  const routersOfBinds = new Map<number, Router>();
  const share: WorkerShare = { workers: 1 };
  const counts = new Int32Array(inFlight);
  const services: WorkerServices = {
    share,
    registry,
    metrics,
    log,
    plugin,
    wheel: new TimerWheel(),
    sweeper: new Sweeper(),
    random: Math.random,
    post: (message) => {
      if (message.type === "bind") routersOfBinds.set(message.bind, byLabel.get(message.router)!);
      else if (message.type === "release") routersOfBinds.delete(message.bind);
      post(message);
    },
    nextBind: () => ++binds,
    place: (key) => (places?.[key] === undefined ? key : `${places[key]} ${key}`),
  };
  const serverCount = config.routers.reduce((sum, router) => sum + router.servers.length, 0);
  let server = 0;
  const routers = config.routers.map((router, index) => {
    const flights = router.servers.map(() => new InFlight(counts, server++, serverCount, workerId));
    return new Router(index, router, services, flights);
  });
  const byLabel = new Map(routers.map((router) => [router.label, router]));
  const listeners = routers.flatMap((router) =>
    router.servers.map((server) => new Listener(router, server, services.sweeper, log)),
  );

  const handle = (message: ToWorker): void => {
    switch (message.type) {
      case "bound":
        routersOfBinds.get(message.bind)?.bound(message.bind, message.state);
        break;
      case "addr":
        byLabel.get(message.router)?.addr(message.id, message.addr);
        break;
      case "drain":
        void drain(routers, listeners, message.graceMs);
        break;
      case "share": {
        const grown = 1 - share.workers / message.workers;
        share.workers = message.workers;
        if (grown > 0) for (const listener of listeners) listener.shed(grown);
        break;
      }
      case "logged":
        byLabel.get(message.router)?.accessLog?.written(message.chars);
        break;
      case "level":
        break; // the control thread drops what is below the level
    }
  };
  port.on("message", (message: ToWorker) => guarded(`the message ${message.type}`, () => handle(message))());
  await Promise.all(listeners.map((listener) => listener.listen()));
  post({ type: "ready" });
}

async function drain(
  routers: readonly Router[],
  listeners: readonly Listener[],
  graceMs: number,
): Promise<void> {
  const cut = setTimeout(() => {
    for (const listener of listeners) listener.destroy();
  }, graceMs);
  await Promise.all(listeners.map((listener) => listener.drain()));
  clearTimeout(cut);
  for (const router of routers) router.accessLog?.flush();
  post({ type: "drained" });
}

start(workerData as WorkerStart).catch((cause: unknown) => {
  post({ type: "failed", message: cause instanceof Error ? cause.message : String(cause) });
  port.close();
});
