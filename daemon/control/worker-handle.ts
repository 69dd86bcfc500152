/** One data worker as the control thread sees it: its thread, its port, its memory of metrics. */
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Logger, RecentRequest } from "../../plugins/contract.ts";
import type { ClientReport } from "../shared/client-report.ts";
import {
  labelOfKey,
  type Sockets,
  type ToControl,
  type ToWorker,
  type WorkerSetup,
  type WorkerStart,
} from "../shared/messages.ts";
import type { AccessLogs } from "./access-log/access-logs.ts";
import type { Binder, BinderSession } from "./binder.ts";
import type { MetricsSource, MetricsStore } from "./metrics-store.ts";

/** What a worker is started with. */
export interface WorkerOptions {
  readonly start: WorkerStart;
  readonly url: URL;
  readonly binder: Binder;
  readonly metrics: MetricsStore;
  readonly log: Logger;
  readonly accessLogs: AccessLogs;
}

/** A worker that reaches this heap, in MB, ends alone and is started anew. */
const resourceLimits = { maxOldGenerationSizeMb: 1024 };

// The young generation of a worker's heap, in MB of each half. With one, as the control thread has, what a new connection
// makes outlives two collections and is kept for old, which costs a sixth of the request; with four it is in no cache when
// it is used again. The flag goes before `resourceLimits`, and holds for heaps that are made from now on.
setFlagsFromString("--max-semi-space-size=2");

/** How long a worker may take to open ports, or to turn once. */
const answerMs = 30_000;

/** The messages that answer a question. */
type Answer = Extract<ToControl, { type: "prepared" | "committed" | "pong" | "clients" | "recent" }>;

/** What a worker has been asked and has not answered. */
interface Question {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (cause: Error) => void;
}

/** A running worker. */
export class WorkerHandle {
  readonly id: number;
  /** All listeners accept; rejects if the worker ended before. */
  readonly ready: Promise<void>;
  /** The thread has ended; with the reason, if it was not asked to. */
  readonly exited: Promise<string | undefined>;
  readonly #worker: Worker;
  readonly #session: BinderSession;
  readonly #source: MetricsSource;
  readonly #log: Logger;
  readonly #accessLogs: AccessLogs;
  readonly #drained = Promise.withResolvers<void>();
  readonly #asked = new Map<Answer["type"], Question>();
  /** What is being asked for pages. */
  readonly #inquiries = new Map<Answer["type"], Promise<Answer>>();
  #setup: WorkerSetup;
  #ended = false;
  #lastUtilization: ReturnType<Worker["performance"]["eventLoopUtilization"]> | undefined;

  constructor({ start, url, binder, metrics, log, accessLogs }: WorkerOptions) {
    this.#accessLogs = accessLogs;
    this.id = start.workerId;
    this.#setup = start;
    this.#log = log;
    this.#worker = new Worker(url, { name: `data ${start.workerId}`, workerData: start, resourceLimits });
    this.#source = metrics.source();
    this.#session = binder.session((message) => this.send(message));
    const ready = Promise.withResolvers<void>();
    ready.promise.catch(() => {});
    this.ready = ready.promise;
    let reason: string | undefined;
    this.#worker.on("message", (message: ToControl) => {
      if (this.#ended) return;
      if (message.type === "ready") ready.resolve();
      else if (message.type === "failed") reason = message.message;
      else this.#handle(message);
    });
    this.#worker.on("error", (error: unknown) => {
      reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      log.error("a worker failed", { cause: error });
    });
    this.exited = new Promise((resolve) => {
      this.#worker.on("exit", (code) => {
        this.#end();
        ready.reject(
          new Error(reason ?? `worker ${start.workerId} ended with code ${code} before it was ready`),
        );
        resolve(reason ?? (code === 0 ? undefined : `exit code ${code}`));
      });
    });
  }

  /** Sends a message; one to a worker that has ended is dropped. */
  send(message: ToWorker): void {
    if (!this.#ended) this.#worker.postMessage(message);
  }

  /** What the worker runs. */
  get setup(): WorkerSetup {
    return this.#setup;
  }

  /** Makes the worker ready to run something else; rejects, with nothing changed, if it cannot. */
  async prepare(setup: WorkerSetup, sockets: Sockets): Promise<void> {
    await this.#ask({ type: "prepare", setup, sockets }, "prepared");
  }

  /** The worker runs what it was prepared for; rejects if it has ended. */
  async commit(setup: WorkerSetup): Promise<void> {
    this.#setup = setup;
    await this.#ask({ type: "commit" }, "committed");
  }

  /** The worker forgets what it was prepared for. */
  rollback(): void {
    this.send({ type: "rollback" });
  }

  /** Resolves when the worker's event loop has turned; rejects after `withinMs`. */
  async ping(withinMs: number): Promise<void> {
    await this.#ask({ type: "ping" }, "pong", withinMs);
  }

  /** The clients that the worker has; rejects after `withinMs`. */
  async clients(withinMs: number): Promise<readonly ClientReport[]> {
    return (await this.#inquire({ type: "report" }, "clients", withinMs)).clients;
  }

  /** The requests that the worker has kept, the latest first; rejects after `withinMs`. */
  async recent(withinMs: number): Promise<readonly RecentRequest[]> {
    return (await this.#inquire({ type: "recall" }, "recent", withinMs)).requests;
  }

  /** Lets the worker finish what is in flight, for `graceMs` at most, then ends its thread. */
  async drain(graceMs: number, idleMs: number): Promise<void> {
    this.send({ type: "drain", graceMs, idleMs });
    let timer: NodeJS.Timeout | undefined;
    // The worker cuts what is left itself when the grace is over; it gets a moment more to say so.
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs + 500);
    });
    await Promise.race([this.#drained.promise, this.exited, tooLate]);
    clearTimeout(timer);
    await this.terminate();
  }

  /** Ends the thread now. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  /** The share of time, since the last call, in which the worker's event loop was busy. */
  utilization(): number {
    if (this.#ended) return 0;
    const now = this.#worker.performance.eventLoopUtilization();
    const last = this.#lastUtilization;
    this.#lastUtilization = now;
    const active = now.active - (last?.active ?? 0);
    const idle = now.idle - (last?.idle ?? 0);
    return active + idle > 0 ? active / (active + idle) : 0;
  }

  /** How busy the event loop has been since the thread began, for whoever compares two readings. */
  eventLoop(): ReturnType<Worker["performance"]["eventLoopUtilization"]> | undefined {
    return this.#ended ? undefined : this.#worker.performance.eventLoopUtilization();
  }

  #handle(message: Exclude<ToControl, { type: "ready" | "failed" }>): void {
    switch (message.type) {
      case "bind":
      case "release":
      case "watch":
      case "unwatch":
        this.#session.handle(message);
        break;
      case "metrics":
        this.#source.apply(message.changes);
        break;
      case "access":
        void this.#accessLogs
          .write(labelOfKey(message.router), message.lines)
          .then(() => this.send({ type: "logged", router: message.router, chars: message.lines.length }));
        break;
      case "log":
        this.#log[message.level](message.message, message.fields);
        break;
      case "drained":
        this.#drained.resolve();
        break;
      case "prepared":
      case "committed":
      case "pong":
      case "clients":
      case "recent":
        this.#asked.get(message.type)?.resolve(message);
        break;
      case "refused":
        this.#asked.get("prepared")?.reject(new Error(message.message));
        break;
    }
  }

  // All who ask at once get one answer.
  #inquire<A extends Answer["type"]>(
    message: ToWorker,
    answer: A,
    withinMs: number,
  ): Promise<Extract<Answer, { type: A }>> {
    const known = this.#inquiries.get(answer);
    if (known !== undefined) return known as Promise<Extract<Answer, { type: A }>>;
    const asked = this.#ask(message, answer, withinMs).finally(() => this.#inquiries.delete(answer));
    this.#inquiries.set(answer, asked);
    return asked;
  }

  // One question of a kind at a time.
  #ask<A extends Answer["type"]>(
    message: ToWorker,
    answer: A,
    withinMs = answerMs,
  ): Promise<Extract<Answer, { type: A }>> {
    const { promise, resolve, reject } = Promise.withResolvers<Extract<Answer, { type: A }>>();
    if (this.#ended) reject(new Error(`worker ${this.id} has ended`));
    const timer = setTimeout(() => {
      reject(new Error(`worker ${this.id} did not answer within ${withinMs} ms`));
    }, withinMs);
    const question = { resolve: resolve as Question["resolve"], reject };
    this.#asked.set(answer, question);
    this.send(message);
    return promise.finally(() => {
      clearTimeout(timer);
      if (this.#asked.get(answer) === question) this.#asked.delete(answer);
    });
  }

  #end(): void {
    this.#ended = true;
    for (const { reject } of this.#asked.values()) reject(new Error(`worker ${this.id} ended`));
    this.#session.close();
    this.#source.end();
  }
}
