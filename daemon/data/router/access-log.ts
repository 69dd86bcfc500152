/**
 * The access log of a router, the worker's half: makes lines and hands them to the control thread in batches, which
 * writes them. A disk that is full or slow never holds a request up: past a bound, lines are dropped and counted.
 */
import type { Counter, MetricsScope } from "../../../plugins/contract.ts";
import type { ToControl } from "../../shared/messages.ts";
import { type AccessFacts, type AccessFormat, createFormat } from "./access-format.ts";

/** A batch goes out at this size, or after this time. */
const batchChars = 16_384;
const batchMs = 100;
/** Characters that may be on their way to the file. */
const maxUnwritten = 4 * 1024 * 1024;

/** The access log of one router in one worker. */
export class AccessLog {
  /** Whether lines are of attempts, as Linkerd 1 has them, or of callers' requests. */
  readonly perAttempt: boolean;
  readonly #router: string;
  readonly #format: AccessFormat;
  readonly #post: (message: ToControl) => void;
  readonly #dropped: Counter;
  #batch = "";
  #unwritten = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `router` is what messages call it. */
  constructor(router: string, format: string, metrics: MetricsScope, post: (message: ToControl) => void) {
    this.#router = router;
    this.#format = createFormat(format);
    this.perAttempt = format === "linkerd";
    this.#post = post;
    this.#dropped = metrics.scope("access_log").counter("dropped");
  }

  /** Adds a line. */
  add(facts: AccessFacts): void {
    if (this.#unwritten > maxUnwritten) {
      this.#dropped.incr();
      return;
    }
    this.#batch += this.#format(facts) + "\n";
    if (this.#batch.length >= batchChars) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), batchMs).unref();
  }

  /** So many characters have been written, or given up. */
  written(chars: number): void {
    this.#unwritten -= chars;
  }

  /** Hands over what is left. */
  flush(): void {
    this.#send();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#batch === "") return;
    this.#unwritten += this.#batch.length;
    this.#post({ type: "access", router: this.#router, lines: this.#batch });
    this.#batch = "";
  }
}
