/** An access log file: written in order by one writer, rolled over by its policy; what cannot be written is dropped. */
import { mkdir, readdir, rename, unlink } from "node:fs/promises";
import path from "node:path";
import type { Clock, Counter, Logger } from "../../../plugins/contract.ts";
import { type LogSink, openSink } from "./log-sink.ts";
import type { RollPolicy } from "./roll-policy.ts";

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
  /** Batches that could not be written. */
  readonly failures: Counter;
}

/** See the file's comment. */
export class AccessLogFile {
  readonly #options: AccessLogOptions;
  #sink: LogSink | undefined;
  #openedMs = 0;
  #bytes = 0;
  #first = true;
  #failing = false;
  /** The end has waited long enough, also for a file that is still being opened. */
  #abandoned = false;
  /** The end of what has been asked for so far. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  /** Writes a batch after those before it; resolves when it is written or given up, and never rejects. */
  write(lines: string): Promise<void> {
    return this.#enqueue(() => this.#write(Buffer.from(lines, "latin1")));
  }

  /** Opens the file anew, if its policy wants that on SIGHUP. */
  reopen(): Promise<void> {
    return this.#options.policy.reopens ? this.#enqueue(() => this.#close()) : this.#last;
  }

  /** Opens the file, so that a path that cannot be written to is told at the start; rejects then. */
  async check(): Promise<void> {
    await this.#open();
  }

  /** Writes what is left, unless nobody takes it, and ends. */
  async close(): Promise<void> {
    const done = new AbortController();
    void this.#options.clock.sleep(lastWriteMs, done.signal).then(() => {
      if (done.signal.aborted) return;
      this.#abandoned = true;
      this.#sink?.abort();
    });
    await this.#enqueue(() => this.#close());
    done.abort();
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(work).then(
      () => {
        this.#failing = false;
      },
      (cause: Error) => {
        this.#options.failures.incr();
        if (!this.#failing)
          this.#options.log.error("the access log cannot be written", {
            file: this.#options.file,
            cause: cause.message,
          });
        this.#failing = true;
      },
    );
    return this.#last;
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
    await mkdir(path.dirname(file), { recursive: true });
    this.#sink = await openSink(file, append || !this.#first);
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
    const { file, policy, rotateCount } = this.#options;
    await this.#close();
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
