/**
 * Follows files and folders: at once when the operating system tells of a change, and by a look every few seconds for
 * what it does not tell (network file systems, symbolic links, a folder that was replaced).
 *
 * It lives here because namers and interpreters both need it, and neither may import the other.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Clock } from "../contract.ts";
import { FolderWatches } from "./watch-folder.ts";

/** A file that became empty is looked at once more after this long before it is believed. */
const emptyMs = 200;

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

/** Calls `found` with the text of a file and with every change of it, until `signal` aborts; `watches` may be shared. */
export async function followFile(
  path: string,
  clock: Clock,
  signal: AbortSignal,
  found: (look: FileLook) => void,
  watches = new FolderWatches(clock),
): Promise<void> {
  let seen = "";
  const look = async (): Promise<void> => {
    const now = await readChanged(path, seen, clock, signal);
    if (now === undefined || signal.aborted || now.stamp === seen) return;
    seen = now.stamp;
    found(now.look);
  };
  await watches.follow(dirname(path), { name: basename(path), look }, signal);
}

/** Calls `found` with what stands in a folder and with every change of it, until `signal` aborts; as above. */
export async function followFolder(
  folder: string,
  clock: Clock,
  signal: AbortSignal,
  found: (look: FolderLook) => void,
  watches = new FolderWatches(clock),
): Promise<void> {
  let seen = "";
  const look = async (): Promise<void> => {
    const now = await listFolder(folder);
    const stamp = now.tag === "listing" ? JSON.stringify([...now.listing]) : now.error.message;
    if (signal.aborted || stamp === seen) return;
    seen = stamp;
    found(now);
  };
  await watches.follow(folder, { name: undefined, look }, signal);
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
