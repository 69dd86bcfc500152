/**
 * Watches folders for those who follow what stands in them: one watch of the operating system and one timer for each
 * folder, however many of its files are followed.
 */
import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Clock } from "../contract.ts";

/** Editors and `echo >` empty a file before they fill it: after a change its writer is given this long. */
const settleMs = 40;
/** Without any event. */
const lookMs = 5_000;
/** Followers that look at the same time. */
const looksAtOnce = 32;
/** While the folder is missing, or cannot be watched. */
const missingMs = 500;

/** Somebody who follows something in a folder. */
export interface Follower {
  /** The name whose events concern it; undefined: all of them do. */
  readonly name: string | undefined;
  /** Looks; called first, after every event that concerns it, and every few seconds. It never rejects. */
  look(): Promise<void>;
}

/** The folders that are watched for one owner. */
export class FolderWatches {
  readonly #clock: Clock;
  readonly #watches = new Map<string, FolderWatch>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Lets a follower look until the signal aborts. */
  async follow(folder: string, follower: Follower, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    let watched = this.#watches.get(folder);
    if (watched === undefined) {
      watched = new FolderWatch(folder, this.#clock, () => this.#watches.delete(folder));
      this.#watches.set(folder, watched);
    }
    const { promise: over, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve(), { once: true });
    watched.add(follower);
    await over;
    watched.remove(follower);
  }
}

class FolderWatch {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #ended: () => void;
  readonly #followers = new Set<Follower>();
  /** The same by the name that they follow: there may be thousands, and an event concerns one. */
  readonly #byName = new Map<string | undefined, Set<Follower>>();
  /** Those who have to look before the time is over. */
  readonly #due = new Set<Follower>();
  /** Something happened, and may go on. */
  #changed = false;
  /** The watch may not be that of the folder any more. */
  #stale = true;
  #wake = new AbortController();

  constructor(folder: string, clock: Clock, ended: () => void) {
    this.#folder = folder;
    this.#clock = clock;
    this.#ended = ended;
    void this.#run();
  }

  add(follower: Follower): void {
    this.#followers.add(follower);
    const same = this.#byName.get(follower.name);
    if (same === undefined) this.#byName.set(follower.name, new Set([follower]));
    else same.add(follower);
    this.#due.add(follower);
    this.#wake.abort();
  }

  remove(follower: Follower): void {
    this.#followers.delete(follower);
    const same = this.#byName.get(follower.name);
    if (same?.delete(follower) === true && same.size === 0) this.#byName.delete(follower.name);
    this.#due.delete(follower);
    if (this.#followers.size === 0) this.#wake.abort();
  }

  async #run(): Promise<void> {
    let watcher: FSWatcher | undefined;
    let identity = "";
    // Whoever made it adds the first follower.
    await undefined;
    for (let all = true; this.#followers.size > 0; ) {
      this.#wake = new AbortController();
      const now = await identityOf(this.#folder);
      if (this.#stale || now !== identity) {
        watcher?.close();
        watcher = now === "" ? undefined : this.#open();
        identity = now;
        this.#stale = false;
        all = true;
      }
      const looking = [...(all ? this.#followers : this.#due)];
      this.#due.clear();
      this.#changed = false;
      await lookAll(looking);
      if (this.#due.size === 0 && !this.#stale && this.#followers.size > 0) {
        await this.#clock.sleep(watcher === undefined ? missingMs : lookMs, this.#wake.signal);
      }
      all = this.#due.size === 0;
      if (this.#changed) await this.#clock.sleep(settleMs);
    }
    watcher?.close();
    this.#ended();
  }

  #open(): FSWatcher | undefined {
    try {
      const watcher = watch(this.#folder, { persistent: false }, (_event, name) => this.#happened(name));
      watcher.on("error", () => this.#happened(null));
      return watcher;
    } catch {
      // No watches left, or the folder is gone again: looked at by the clock until it can be watched.
      return undefined;
    }
  }

  #happened(name: string | null): void {
    // The folder's own name: it was moved or removed, and the watch went with it.
    if (name === null || name === basename(this.#folder)) this.#stale = true;
    for (const follower of this.#concerned(name)) this.#due.add(follower);
    if (this.#due.size === 0) return;
    this.#changed = true;
    this.#wake.abort();
  }

  *#concerned(name: string | null): Generator<Follower> {
    // A name that begins with dots may be the link through which Kubernetes swaps all files of a volume.
    if (this.#stale || name === null || name.startsWith("..")) {
      yield* this.#followers;
      return;
    }
    yield* this.#byName.get(name) ?? [];
    yield* this.#byName.get(undefined) ?? [];
  }
}

/** Thousands of answers at once would keep everything else waiting. */
async function lookAll(followers: readonly Follower[]): Promise<void> {
  const next = followers.values();
  const some = async (): Promise<void> => {
    for (const follower of next) await follower.look();
  };
  await Promise.all(Array.from({ length: Math.min(followers.length, looksAtOnce) }, some));
}

/** Changes when another folder takes the name; empty if there is none. */
async function identityOf(folder: string): Promise<string> {
  try {
    const { dev, ino, birthtimeNs } = await stat(folder, { bigint: true });
    return `${dev}:${ino}:${birthtimeNs}`;
  } catch {
    return "";
  }
}
