/**
 * An access log file: written in order by one writer, rolled over by its policy; what cannot be written is dropped, and so
 * is what comes while the disk has not answered for long.
 */
import { mkdir, readdir, rename, unlink } from "node:fs/promises";
import path from "node:path";
import type { Clock, Counter, Logger } from "../../../plugins/contract.ts";
import { within } from "../../../plugins/lib/within.ts";
import type { DiskTurns, TakeTurn } from "./disk-turns.ts";
import { type LogSink, openSink } from "./log-sink.ts";
import type { RollPolicy } from "./roll-policy.ts";

/** How long opening the file may take where somebody waits for it. */
const openMs = 10_000;
/** After so long without an answer nothing more is asked of a disk. */
const stuckMs = 30_000;
/** How long the last lines may take at the end. */
const lastWriteMs = 1000;

/** How a file is kept. */
export interface AccessLogOptions {
  readonly file: string;
  readonly policy: RollPolicy;
  readonly append: boolean;
  /** Rolled files kept; -1: all. */
  readonly rotateCount: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly turns: Pick<DiskTurns, "take">;
  /** Batches that could not be written. */
  readonly failures: Counter;
}

/** See the file's comment. */
export class AccessLogFile {
  readonly #options: AccessLogOptions;
  readonly #takeTurn: TakeTurn;
  #sink: LogSink | undefined;
  #openedMs = 0;
  #bytes = 0;
  #first = true;
  #failing = false;
  /** The end has waited long enough, also for a file that is still being opened. */
  #abandoned = false;
  /** When what is being done began. */
  #busySinceMs: number | undefined;
  /** The end of what has been asked for so far. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: AccessLogOptions) {
    this.#options = options;
    const folder = path.dirname(options.file);
    this.#takeTurn = (work) => options.turns.take(folder, work);
  }

  /** Writes a batch after those before it; resolves when it is written or given up, and never rejects. */
  async write(lines: string): Promise<void> {
    if (this.#stuck) this.#failed(`no answer for more than ${stuckMs / 1000} s`);
    else await this.#enqueue(() => this.#write(Buffer.from(lines, "latin1")));
  }

  /** Opens the file anew, if its policy wants that on SIGHUP. */
  reopen(): Promise<void> {
    return this.#options.policy.reopens ? this.#enqueue(() => this.#close()) : this.#last;
  }

  /** Opens the file, so that a path that cannot be written to is told at the start; rejects then, or when it takes long. */
  check(): Promise<void> {
    const opened = this.#inOrder(() => this.#open());
    const { clock } = this.#options;
    return within(opened, openMs, clock, () => new Error(`no answer within ${openMs / 1000} s`));
  }

  /** Writes what is left, unless nobody takes it, and ends. */
  async close(): Promise<void> {
    const ended = this.#enqueue(() => this.#close());
    try {
      await within(ended, lastWriteMs, this.#options.clock, () => new Error("too late"));
    } catch {
      this.#abandoned = true;
      this.#sink?.abort();
    }
  }

  /** Whether the disk owes an answer for too long; a pipe may wait for its reader as long as it likes. */
  get #stuck(): boolean {
    if (this.#busySinceMs === undefined || this.#sink?.rolls === false) return false;
    return this.#options.clock.now() - this.#busySinceMs > stuckMs;
  }

  /** Does it after what was asked for before, and tells of a failure; never rejects. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    return this.#inOrder(work).then(
      () => {
        this.#failing = false;
      },
      (cause: Error) => this.#failed(cause.message),
    );
  }

  #inOrder(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(() => {
      this.#busySinceMs = this.#options.clock.now();
      return work();
    });
    this.#last = done
      .catch(() => {})
      .then(() => {
        this.#busySinceMs = undefined;
      });
    return done;
  }

  #failed(cause: string): void {
    const { failures, log, file } = this.#options;
    failures.incr();
    if (!this.#failing) log.error("the access log cannot be written", { file, cause });
    this.#failing = true;
  }

  async #write(batch: Buffer): Promise<void> {
    const { policy, clock } = this.#options;
    await this.#open();
    const due = policy.dueAt(this.#openedMs);
    const full = this.#bytes > 0 && this.#bytes + batch.length > policy.maxBytes;
    if (this.#sink!.rolls && (full || (due !== undefined && clock.now() >= due))) {
      await this.#roll();
      await this.#open();
    }
    this.#bytes += batch.length;
    await this.#sink!.write(batch);
  }

  async #open(): Promise<void> {
    if (this.#sink !== undefined) return;
    const { file, append, clock } = this.#options;
    this.#sink = await this.#takeTurn(async () => {
      await mkdir(path.dirname(file), { recursive: true });
      return openSink(file, append || !this.#first, this.#takeTurn);
    });
    this.#first = false;
    if (this.#abandoned) this.#sink.abort();
    // What an appended file already holds counts, and so does its age.
    const { bytes, sinceMs } = this.#sink.held;
    this.#bytes = bytes;
    this.#openedMs = bytes > 0 && sinceMs > 0 ? sinceMs : clock.now();
  }

  async #close(): Promise<void> {
    const sink = this.#sink;
    this.#sink = undefined;
    await sink?.close();
  }

  async #roll(): Promise<void> {
    await this.#close();
    await this.#takeTurn(() => this.#moveAway());
  }

  async #moveAway(): Promise<void> {
    const { file, policy, rotateCount } = this.#options;
    const { dir, name, ext } = path.parse(file);
    const rolled = await freeName(dir, `${name}-${policy.suffix(this.#openedMs)}`, ext);
    await rename(file, path.join(dir, rolled));
    if (rotateCount < 0) return;
    const pattern = `${name}-`;
    const older = (await readdir(dir))
      .filter((other) => other.startsWith(pattern) && other.endsWith(ext))
      .sort();
    for (const other of older.slice(0, Math.max(0, older.length - rotateCount)))
      await unlink(path.join(dir, other));
  }
}

/** A name that no rolled file has yet: two may roll within the same second. */
async function freeName(dir: string, base: string, ext: string): Promise<string> {
  const taken = new Set(await readdir(dir));
  for (let n = 0; ; n++) {
    const name = n === 0 ? base + ext : `${base}-${n}${ext}`;
    if (!taken.has(name)) return name;
  }
}
