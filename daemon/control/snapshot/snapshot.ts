/**
 * Last-known-good discovery on disk: what the namers knew when the process last ran is read at the start, and what they
 * know now is written as it changes. Trouble with it is told once, and never keeps anything from being served.
 */
import type { Clock, Logger, MetricsScope } from "../../../plugins/contract.ts";
import { showTime } from "../../../plugins/lib/watch-state.ts";
import { type KeptSources, NamerNames } from "./namer-names.ts";
import { readBody, showBody } from "./snapshot-body.ts";
import { maxSnapshotBytes, readSnapshot, snapshotPath, writeSnapshot } from "./snapshot-file.ts";

/** What a snapshot needs. */
export interface SnapshotOptions {
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsScope;
  /** The most bytes of names. */
  readonly maxBytes?: number;
}

/** How soon a change is written; changes until then go with it. */
const changeMs = 5_000;
/** How often ages are written where nothing changes. */
const ageMs = 60_000;
/** What was not confirmed for so long is forgotten at the start. */
const maxAgeMs = 7 * 86_400_000;

/** See the file's comment. */
export class Snapshot {
  readonly #options: SnapshotOptions;
  readonly #file: string;
  #read = new Map<string, KeptSources>();
  #namers: () => Iterable<NamerNames> = () => [];
  #isChanged = false;
  #writtenAt: number;
  #names = 0;
  #isFull = false;
  /** What keeps it from being written. */
  #problem: string | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: SnapshotOptions) {
    this.#options = options;
    this.#file = snapshotPath(options.dir);
    this.#writtenAt = options.clock.now();
  }

  /** Reads what is there; what cannot be used is told, and as good as nothing. */
  static async open(options: SnapshotOptions): Promise<Snapshot> {
    const snapshot = new Snapshot(options);
    await snapshot.#restore();
    return snapshot;
  }

  /** What a namer of this prefix keeps; one that takes the place of another at a reload knows what that one knew. */
  namer(prefix: string, last: NamerNames | undefined): NamerNames {
    const known = last?.sources() ?? this.#read.get(prefix) ?? new Map();
    if (last === undefined) this.#read.delete(prefix);
    return new NamerNames(prefix, known, () => {
      this.#isChanged = true;
    });
  }

  /** Writes what `namers` know as it changes, until the signal; never throws. */
  async run(namers: () => Iterable<NamerNames>, signal: AbortSignal): Promise<void> {
    this.#namers = namers;
    const { clock } = this.#options;
    for (; !signal.aborted; await clock.sleep(changeMs, signal)) {
      const isDue = this.#names > 0 && clock.now() - this.#writtenAt >= ageMs;
      if (this.#isChanged || isDue) await this.write();
    }
  }

  /** The daemon ends: writes a last time, if there is something to write. */
  async end(): Promise<void> {
    if (this.#isChanged || this.#names > 0) await this.write();
  }

  /** Writes now, or after what is being written; never throws. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const { clock, dir, log, maxBytes = maxSnapshotBytes } = this.#options;
    const metrics = this.#options.metrics.scope("snapshot");
    this.#isChanged = false;
    this.#writtenAt = clock.now();
    try {
      const { text, names, left } = await showBody(this.#namers(), maxBytes);
      await writeSnapshot(dir, text, this.#writtenAt);
      metrics.counter("writes").incr();
      metrics.gauge("names").set(names);
      metrics.gauge("bytes").set(text.length);
      this.#names = names;
      if (left > 0 && !this.#isFull) log.warn("not all that is known of names can be kept", { names, left });
      this.#isFull = left > 0;
      if (this.#problem !== undefined) log.info("what is known of names is kept again", { file: this.#file });
      this.#problem = undefined;
    } catch (error) {
      metrics.counter("failures").incr();
      const cause = error instanceof Error ? error.message : String(error);
      const what = "what is known of names cannot be kept: a start without their source would not know them";
      if (this.#problem === undefined) log.warn(what, { file: this.#file, cause });
      this.#problem = cause;
    }
  }

  async #restore(): Promise<void> {
    const { clock, dir, log } = this.#options;
    const file = this.#file;
    const found = await readSnapshot(dir);
    if (found.tag === "none") return;
    const useless = (cause: unknown): void =>
      log.warn("what was known of names before the start cannot be used, and is begun anew", { file, cause });
    if (found.tag === "bad") return useless(found.problem);
    try {
      this.#read = readBody(found.text, clock.now() - maxAgeMs);
    } catch (cause) {
      return useless(cause);
    }
    for (const sources of this.#read.values()) {
      for (const names of sources.values()) this.#names += [...names].length;
    }
    const writtenAt = showTime(found.writtenAt);
    log.info("what was known of names before the start is known again", {
      file,
      names: this.#names,
      writtenAt,
    });
  }
}
