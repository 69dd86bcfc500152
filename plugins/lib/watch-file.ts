/**
 * Follows files and folders: at once when the operating system tells of a change, and by a look every few seconds for
 * what it does not tell (network file systems, symbolic links, a folder that was replaced).
 *
 * It lives here because namers and interpreters both need it, and neither may import the other.
 */
import { type FSWatcher, watch } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Clock } from "../contract.ts";

/** Editors and `echo >` empty a file before they fill it: after a change its writer is given this long. */
const settleMs = 40;
/** A file that became empty is looked at once more after this long before it is believed. */
const emptyMs = 200;
/** Without any event. */
const lookMs = 5_000;
/** While the folder is missing, or cannot be watched. */
const missingMs = 500;

/** What a look at a file found. */
export type FileLook =
  | { readonly tag: "text"; readonly text: string }
  | { readonly tag: "failed"; readonly error: Error };

/** What stands in a folder, by name; links count as what they lead to. */
export type Listing = ReadonlyMap<string, "file" | "folder">;

/** What a look at a folder found. */
export type FolderLook =
  | { readonly tag: "listing"; readonly listing: Listing }
  | { readonly tag: "failed"; readonly error: Error };

/** Calls `found` with the text of a file and with every change of it, until `signal` aborts. */
export async function followFile(
  path: string,
  clock: Clock,
  signal: AbortSignal,
  found: (look: FileLook) => void,
): Promise<void> {
  let seen = "";
  const look = async (): Promise<void> => {
    const now = await readChanged(path, seen, clock, signal);
    if (now === undefined || signal.aborted || now.stamp === seen) return;
    seen = now.stamp;
    found(now.look);
  };
  // A name that begins with dots may be the link through which Kubernetes swaps all files of a volume.
  const concerns = (name: string): boolean => name === basename(path) || name.startsWith("..");
  await followFolderEvents(dirname(path), concerns, look, clock, signal);
}

/** Calls `found` with what stands in a folder and with every change of it, until `signal` aborts. */
export async function followFolder(
  folder: string,
  clock: Clock,
  signal: AbortSignal,
  found: (look: FolderLook) => void,
): Promise<void> {
  let seen = "";
  const look = async (): Promise<void> => {
    const now = await listFolder(folder);
    const stamp = now.tag === "listing" ? JSON.stringify([...now.listing]) : now.error.message;
    if (signal.aborted || stamp === seen) return;
    seen = stamp;
    found(now);
  };
  await followFolderEvents(folder, () => true, look, clock, signal);
}

type Stamped = { readonly stamp: string; readonly look: FileLook };

/** The file if it is not as `seen`; a file found empty where it was not before is read twice. */
async function readChanged(
  path: string,
  seen: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Stamped | undefined> {
  try {
    const stamp = await stampOf(path);
    if (stamp === seen) return undefined;
    let text = await readFile(path, "utf8");
    if (text === "" && seen !== "") {
      await clock.sleep(emptyMs, signal);
      text = await readFile(path, "utf8");
    }
    return { stamp, look: { tag: "text", text } };
  } catch (error) {
    return { stamp: (error as Error).message, look: { tag: "failed", error: error as Error } };
  }
}

async function stampOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

async function listFolder(folder: string): Promise<FolderLook> {
  try {
    const listing = new Map<string, "file" | "folder">();
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const is = entry.isSymbolicLink() ? await stat(join(folder, entry.name)).catch(() => undefined) : entry;
      if (is?.isFile()) listing.set(entry.name, "file");
      else if (is?.isDirectory()) listing.set(entry.name, "folder");
    }
    return { tag: "listing", listing };
  } catch (error) {
    return { tag: "failed", error: error as Error };
  }
}

/** Calls `look` first, after every event of a name that concerns, and every few seconds. */
async function followFolderEvents(
  folder: string,
  concerns: (name: string) => boolean,
  look: () => Promise<void>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  let changed = false;
  let stale = true;
  let wake = new AbortController();
  const awaken = (): void => wake.abort();
  signal.addEventListener("abort", awaken);
  const onEvent = (name: string | null): void => {
    // The folder's own name: it was moved or removed, and the watch went with it.
    if (name === null || name === basename(folder)) stale = true;
    if (!stale && !concerns(name ?? "")) return;
    changed = true;
    awaken();
  };

  let watcher: FSWatcher | undefined;
  let identity = "";
  while (!signal.aborted) {
    changed = false;
    wake = new AbortController();
    const now = await identityOf(folder);
    if (stale || now !== identity) {
      watcher?.close();
      watcher = now === "" ? undefined : openWatcher(folder, onEvent);
      identity = now;
      stale = false;
    }
    await look();
    if (!changed && !signal.aborted)
      await clock.sleep(watcher === undefined ? missingMs : lookMs, wake.signal);
    if (changed) await clock.sleep(settleMs, signal);
  }
  watcher?.close();
  signal.removeEventListener("abort", awaken);
}

function openWatcher(folder: string, onEvent: (name: string | null) => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, (_event, name) => onEvent(name));
    watcher.on("error", () => onEvent(null));
    return watcher;
  } catch {
    // No watches left, or the folder is gone again: looked at by the clock until it can be watched.
    return undefined;
  }
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
