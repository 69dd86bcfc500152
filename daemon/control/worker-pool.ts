/**
 * The data workers: as many as the load needs, up to the number configured, each started anew when it dies.
 *
 * One worker with all the connections balances, pools and limits better than several with a part each, and a second
 * heap costs memory, so further ones start only when those that run are busy. They stay: their callers would have to
 * connect anew.
 *
 * A worker that dies is replaced at once, and every further time within a minute twice as late, up to half a minute.
 */
import type { Counter, Logger, RecentRequest } from "../../plugins/contract.ts";
import type { ClientReport } from "../shared/client-report.ts";
import type { WorkerHandle } from "./worker-handle.ts";

/** What a pool is made of. */
export interface WorkerPoolOptions {
  /** Workers at the start. */
  readonly initial: number;
  /** Most workers. */
  readonly size: number;
  /** Starts the thread of a place in the pool. */
  start(id: number): Promise<WorkerHandle>;
  readonly log: Logger;
  readonly restarts: Counter;
}

/** What one worker told of its clients. */
export interface WorkerClients {
  readonly worker: number;
  readonly clients: readonly ClientReport[];
}

/** Waits before a worker is started again: the first is short enough that nobody notices. */
const backoffMs = { first: 50, max: 30_000 };

/** A worker that lived this long is forgiven its earlier deaths. */
const steadyMs = 60_000;

/** When to start another: all event loops busy for this share of so many samples in a row. */
const growth = { sampleMs: 1000, busy: 0.7, samples: 3 };

/** How long a worker may take to get ready. */
const readyMs = 30_000;

interface Place {
  worker: WorkerHandle | undefined;
  /** A thread is about to be started. */
  starting: boolean;
  ready: boolean;
  nextBackoffMs: number;
  timer: NodeJS.Timeout | undefined;
  /** The last sample of its event loop. */
  loop: ReturnType<WorkerHandle["eventLoop"]>;
  died: boolean;
}

/** The data workers. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #places: Place[];
  readonly #growth: NodeJS.Timeout | undefined;
  #busySamples = 0;
  #started = false;
  #ending = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.size }, () => ({
      worker: undefined,
      starting: false,
      ready: false,
      nextBackoffMs: backoffMs.first,
      timer: undefined,
      loop: undefined,
      died: false,
    }));
    if (options.initial < options.size) {
      this.#growth = setInterval(() => this.#sample(), growth.sampleMs).unref();
    }
  }

  /** Starts all; rejects with the first failure, after ending what was started. */
  async start(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the workers did not get ready in ${readyMs} ms`)), readyMs);
    });
    try {
      const first = this.#places.slice(0, this.#options.initial);
      const ready = first.map(async (place, id) => (await this.#startPlace(place, id))?.ready);
      await Promise.race([Promise.all(ready), tooLate]);
      this.#started = true;
    } catch (cause) {
      await this.terminate();
      throw cause;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets every worker finish what is in flight, for `graceMs` at most, and starts none again. */
  async drain(graceMs: number, idleMs: number): Promise<void> {
    this.#stop();
    await Promise.all(this.workers().map((worker) => worker.drain(graceMs, idleMs)));
  }

  /** Ends every worker now. */
  async terminate(): Promise<void> {
    this.#stop();
    await Promise.all(this.workers().map((worker) => worker.terminate()));
  }

  /** The workers that run now. */
  workers(): readonly WorkerHandle[] {
    return this.#places.flatMap(({ worker }) => worker ?? []);
  }

  /** The worker of a place, while it runs. */
  worker(id: number): WorkerHandle | undefined {
    return this.#places[id]?.worker;
  }

  /** Whether the event loop of every worker turns within `withinMs`. */
  async healthy(withinMs: number): Promise<boolean> {
    const pings = await Promise.allSettled(this.workers().map((worker) => worker.ping(withinMs)));
    return pings.every(({ status }) => status === "fulfilled");
  }

  /** The clients of every worker that answers within `withinMs`, by its place. */
  async clients(withinMs: number): Promise<readonly WorkerClients[]> {
    const asked = this.workers().map(async (worker) => ({
      worker: worker.id,
      clients: await worker.clients(withinMs),
    }));
    const answers = await Promise.allSettled(asked);
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  }

  /** The requests that the workers have kept, the latest first; of those that answer within `withinMs`. */
  async recent(withinMs: number): Promise<readonly RecentRequest[]> {
    const answers = await Promise.allSettled(this.workers().map((worker) => worker.recent(withinMs)));
    return answers
      .flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []))
      .sort((a, b) => b.time - a.time);
  }

  /** How many accept connections. */
  get readyCount(): number {
    return this.#places.filter(({ ready }) => ready).length;
  }

  async #startPlace(place: Place, id: number): Promise<WorkerHandle | undefined> {
    place.starting = true;
    const startedMs = performance.now();
    let worker: WorkerHandle;
    try {
      worker = await this.#options.start(id);
    } catch (cause) {
      if (!this.#started) throw cause;
      this.#died(place, id, startedMs, cause instanceof Error ? cause.message : String(cause));
      return undefined;
    } finally {
      place.starting = false;
    }
    place.worker = worker;
    if (this.#ending) await worker.terminate();
    worker.ready.then(
      () => {
        place.ready = true;
        this.#share();
        const message = place.died ? "a worker was started again" : "a worker was started";
        if (this.#started) this.#options.log.info(message, { worker: id });
      },
      () => {}, // Its exit is seen below.
    );
    worker.exited.then((reason) => this.#died(place, id, startedMs, reason));
    return worker;
  }

  #died(place: Place, id: number, startedMs: number, reason: string | undefined): void {
    place.worker = undefined;
    place.ready = false;
    place.loop = undefined;
    place.died = true;
    this.#share();
    if (!this.#started || this.#ending) return;
    if (performance.now() - startedMs >= steadyMs) place.nextBackoffMs = backoffMs.first;
    const waitMs = place.nextBackoffMs;
    place.nextBackoffMs = Math.min(waitMs * 2, backoffMs.max);
    this.#options.restarts.incr();
    this.#options.log.error("a worker died and is started again", { worker: id, cause: reason, waitMs });
    place.timer = setTimeout(() => {
      place.timer = undefined;
      void this.#startPlace(place, id);
    }, waitMs);
  }

  // Tells every worker how many share the load.
  #share(): void {
    const workers = Math.max(1, this.readyCount);
    for (const worker of this.workers()) worker.send({ type: "share", workers });
  }

  // Starts another worker when all that run have been busy for long enough.
  #sample(): void {
    const running = this.#places.filter(({ worker }) => worker !== undefined);
    let busy = running.length > 0 && this.#started && !this.#ending;
    for (const place of running) {
      const last = place.loop;
      place.loop = place.worker!.eventLoop();
      const active = (place.loop?.active ?? 0) - (last?.active ?? 0);
      const idle = (place.loop?.idle ?? 0) - (last?.idle ?? 0);
      if (!place.ready || last === undefined || active < growth.busy * (active + idle)) busy = false;
    }
    this.#busySamples = busy ? this.#busySamples + 1 : 0;
    if (this.#busySamples < growth.samples) return;
    this.#busySamples = 0;
    const id = this.#places.findIndex(
      ({ worker, timer, starting }) => worker === undefined && timer === undefined && !starting,
    );
    if (id === -1) return;
    this.#options.log.info("the workers are busy; another is started", { running: running.length });
    void this.#startPlace(this.#places[id]!, id);
  }

  #stop(): void {
    this.#ending = true;
    clearInterval(this.#growth);
    for (const place of this.#places) clearTimeout(place.timer);
  }
}
