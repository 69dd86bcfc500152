/** A data worker: a thread with its own listeners, routers and connections, fed by the control thread over one port. */
import { parentPort, workerData } from "node:worker_threads";
import type { Logger, PluginContext } from "../../plugins/contract.ts";
import type { ToControl, ToWorker, WorkerStart } from "../shared/messages.ts";
import { createMetrics } from "../shared/metrics-memory.ts";
import { systemClock } from "../shared/system-clock.ts";
import { guarded, logBugsTo } from "./bugs.ts";
import { dataPlugins } from "./builtin.ts";
import { FeedValues } from "./feed-values.ts";
import { LazyOverrides } from "./overrides/lazy-overrides.ts";
import { RecentRequests } from "./recent-requests.ts";
import { Routing } from "./routing.ts";
import { SharedScope } from "./shared-scope.ts";
import { Sweeper } from "./sweeper.ts";
import { TimerWheel } from "./timer-wheel.ts";
import { LazyTls } from "./tls/lazy-tls.ts";
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

async function start({ workerId, sockets, recent: kept, ...setup }: WorkerStart): Promise<void> {
  logBugsTo(log);
  const metrics = createMetrics((changes) => post({ type: "metrics", changes }), {
    onOverflow: (budget) => log.warn("too many series; further ones share _overflow", { budget }),
  });
  const plugin: PluginContext = { log, clock: systemClock, random: Math.random, metrics };
  const tls = new LazyTls(log);
  const overrides = new LazyOverrides();
  const feeds = new FeedValues();
  let binds = 0;
  const share: WorkerShare = { workers: 1 };
  const recent = kept && new RecentRequests(kept, Math.random);
  const routing = new Routing(workerId, dataPlugins, {
    recent,
    share,
    metrics: SharedScope.root(metrics),
    log,
    plugin,
    wheel: new TimerWheel(),
    sweeper: new Sweeper(),
    random: Math.random,
    tls,
    overrides,
    feeds,
    post,
    nextBind: () => ++binds,
  });
  await routing.prepare(setup, sockets);
  routing.commit();

  const handle = (message: ToWorker): void => {
    switch (message.type) {
      case "bound":
        routing.bound(message.bind, message.state);
        break;
      case "addr":
        routing.addr(message.router, message.id, message.addr);
        break;
      case "tls":
        tls.update(message.key, message.material);
        break;
      case "overrideKeys":
        overrides.update(message.file, message.keys);
        break;
      case "feed":
        feeds.update(message.key, message.value);
        break;
      case "drain":
        void routing.drain(message.graceMs, message.idleMs).then(() => post({ type: "drained" }));
        break;
      case "share": {
        const grown = 1 - share.workers / message.workers;
        share.workers = message.workers;
        if (grown > 0) routing.shed(grown);
        break;
      }
      case "prepare":
        void routing.prepare(message.setup, message.sockets).then(
          () => post({ type: "prepared" }),
          (cause: unknown) => post({ type: "refused", message: messageOf(cause) }),
        );
        break;
      case "commit":
        routing.commit();
        post({ type: "committed" });
        break;
      case "rollback":
        routing.rollback();
        break;
      case "report":
        post({ type: "clients", clients: routing.reportClients() });
        break;
      case "recall":
        post({ type: "recent", requests: recent?.latest() ?? [] });
        break;
      case "ping":
        post({ type: "pong" });
        break;
      case "logged":
        routing.logged(message.router, message.chars);
        break;
      case "level":
        break; // the control thread drops what is below the level
    }
  };
  port.on("message", (message: ToWorker) => guarded(`the message ${message.type}`, () => handle(message))());
  post({ type: "ready" });
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

start(workerData as WorkerStart).catch((cause: unknown) => {
  post({ type: "failed", message: messageOf(cause) });
  port.close();
});
