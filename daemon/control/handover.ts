/**
 * Hands everything over to a new process, which takes this one's place: the listening sockets first, and once it serves,
 * the callers. A new process that does not get ready is ended, and this one serves on.
 */
import type { Counter, Logger, MetricsScope } from "../../plugins/contract.ts";

/** What became of a hand-over. */
export type HandoverResult =
  | { readonly handedOver: true; readonly pid: number }
  | { readonly handedOver: false; readonly problem: string };

/** What it takes. */
export interface HandoverOptions {
  /** Starts the new process with these descriptors; resolves when it serves, rejects, with it ended, if it does not. */
  readonly start: ((descriptors: readonly number[]) => Promise<{ readonly pid: number }>) | undefined;
  /** Of all sockets that are listened on. */
  readonly descriptors: () => readonly number[];
  /** Why it cannot be begun now. */
  readonly obstacle: () => string | undefined;
  /** Refuses reloads from now on for this reason; undefined: no more. */
  readonly refuseReloads: (reason: string | undefined) => void;
  /** Drains and ends this process. */
  readonly leave: () => void;
  readonly log: Logger;
  readonly metrics: MetricsScope;
}

/** See the file's comment. */
export class Handover {
  readonly #options: HandoverOptions;
  readonly #failures: Counter;
  #running = false;

  constructor(options: HandoverOptions) {
    this.#options = options;
    this.#failures = options.metrics.scope("upgrade").counter("failures");
  }

  /** Does it, or tells why not; only one at a time. */
  async run(): Promise<HandoverResult> {
    const { start, descriptors, refuseReloads, leave, log } = this.#options;
    const obstacle = this.#running ? "another upgrade is under way" : this.#options.obstacle();
    if (obstacle !== undefined) return this.#failed(obstacle);
    if (start === undefined) {
      return this.#failed("the configuration came from standard input, which a new process cannot read");
    }
    this.#running = true;
    refuseReloads("a new process is about to take over, and reads the file itself");
    log.info("a new process is started");
    try {
      const { pid } = await start(descriptors());
      log.info("a new process has taken over", { pid });
      leave();
      return { handedOver: true, pid };
    } catch (cause) {
      refuseReloads(undefined);
      return this.#failed(cause instanceof Error ? cause.message : String(cause));
    } finally {
      this.#running = false;
    }
  }

  #failed(problem: string): HandoverResult {
    this.#failures.incr();
    this.#options.log.error("no new process has taken over, this one serves on", { problem });
    return { handedOver: false, problem };
  }
}
