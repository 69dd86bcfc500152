/** `io.l5d.fs`: each file below a folder is a service, and holds its addresses. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Type } from "../config/type.ts";
import { Activity, type Bound, fromUtf8Bytes, NameTree, Path, State, Var } from "../dtab/index.ts";
import { definePlugin, type KnownName, type Namer, type NamerContext } from "../plugins/contract.ts";
import { type FolderLook, followFolder, type Listing } from "../plugins/lib/watch-file.ts";
import { FolderWatches } from "../plugins/lib/watch-folder.ts";
import { WatchState } from "../plugins/lib/watch-state.ts";
import { watchAddressFile } from "./lib/file-addr.ts";
import type { ResolveHost } from "./lib/resolve.ts";

export default definePlugin({
  slot: "namer",
  kind: "io.l5d.fs",
  schema: Type.Object({
    rootDir: Type.String({
      format: "directory",
      description: "The folder; files in subfolders have longer names.",
    }),
  }),
  create: ({ rootDir }, ctx) => createFsNamer(rootDir, ctx),
});

/** How many names `names()` lists at most. */
const maxNames = 10_000;

/**
 * Binds the file that a path leads to; the rest of the path is residual. A name without a file is Neg, and becomes
 * bound when the file appears. A folder that cannot be read keeps its last listing.
 */
export function createFsNamer(rootDir: string, ctx: NamerContext, resolve?: ResolveHost): Required<Namer> {
  const root = new Folder(rootDir, ctx, new FolderWatches(ctx.clock), resolve);
  return {
    lookup: (path) => root.lookup(path, 0),
    names: () => listNames(rootDir, ctx.prefix, []),
    state: () => root.state(),
  };
}

class Folder {
  readonly #dir: string;
  readonly #ctx: NamerContext;
  readonly #watches: FolderWatches;
  readonly #resolve: ResolveHost | undefined;
  readonly #listing: Activity<Listing>;
  readonly #watch: WatchState;
  /** Only of what the last listing holds. */
  readonly #folders = new Map<string, Folder>();
  readonly #files = new Map<string, WatchState>();

  constructor(dir: string, ctx: NamerContext, watches: FolderWatches, resolve: ResolveHost | undefined) {
    this.#dir = dir;
    this.#ctx = ctx;
    this.#watches = watches;
    this.#resolve = resolve;
    this.#watch = new WatchState(ctx.clock);
    this.#listing = Activity.of(this.#follow());
  }

  lookup(path: Path, depth: number): Activity<NameTree<Bound>> {
    const name = fileName(path.segments[depth]);
    if (name === undefined) return neg;
    const is = Var.distinct(this.#listing.map((listing) => listing.get(name)).states, sameState);
    return Activity.of(is).flatMap((kind) => {
      if (kind === "folder") return this.#folder(name).lookup(path, depth + 1);
      return kind === "file" ? Activity.value(NameTree.leaf(this.#bound(name, path, depth + 1))) : neg;
    });
  }

  state(): Record<string, unknown> {
    const files = Object.fromEntries([...this.#files].map(([name, watch]) => [name, watch.toJSON()]));
    const folders = Object.fromEntries([...this.#folders].map(([name, folder]) => [name, folder.state()]));
    return { state: this.#watch.toJSON(), files, ...folders };
  }

  #bound(name: string, path: Path, size: number): Bound {
    let watch = this.#files.get(name);
    if (watch === undefined) this.#files.set(name, (watch = new WatchState(this.#ctx.clock)));
    return {
      id: this.#ctx.prefix.concat(path.take(size)),
      addr: watchAddressFile(join(this.#dir, name), this.#ctx, watch, this.#watches, this.#resolve),
      residual: path.drop(size),
    };
  }

  #folder(name: string): Folder {
    let folder = this.#folders.get(name);
    if (folder === undefined) {
      folder = new Folder(join(this.#dir, name), this.#ctx, this.#watches, this.#resolve);
      this.#folders.set(name, folder);
    }
    return folder;
  }

  #follow(): Var<State<Listing>> {
    return Var.async<State<Listing>>(State.pending, async (set, signal) => {
      this.#watch.start(signal);
      let good = false;
      const found = (look: FolderLook): void => {
        if (look.tag === "failed") {
          const message = `cannot list ${this.#dir}: ${look.error.message}`;
          this.#watch.fail(message);
          this.#ctx.log.warn(`${message}${good ? "; its last listing is kept" : ""}`, { folder: this.#dir });
          if (!good) set(State.failed(new Error(message)));
          return;
        }
        good = true;
        this.#watch.update([...look.listing.keys()].sort());
        this.#forget(look.listing);
        set(State.ok(look.listing));
      };
      await followFolder(this.#dir, this.#ctx.clock, signal, found, this.#watches);
    });
  }

  #forget(listing: Listing): void {
    for (const name of this.#folders.keys()) if (listing.get(name) !== "folder") this.#folders.delete(name);
    for (const name of this.#files.keys()) if (listing.get(name) !== "file") this.#files.delete(name);
  }
}

const neg: Activity<NameTree<Bound>> = Activity.value<NameTree<Bound>>(NameTree.neg);

/** The name of a file or folder; undefined for what could lead out of the folder, since names come from requests. */
function fileName(segment: string | undefined): string | undefined {
  if (segment === undefined || segment === "." || segment === ".." || /[/\\\0]/.test(segment))
    return undefined;
  const name = fromUtf8Bytes(segment);
  return name.includes("\ufffd") ? undefined : name;
}

const sameState = <T>(a: State<T>, b: State<T>): boolean =>
  a === b || (a.tag === "ok" && b.tag === "ok" && a.value === b.value);

/** Every file below a folder, hidden ones left out, as far as they can be read now. */
function listNames(dir: string, prefix: Path, names: KnownName[]): KnownName[] {
  for (const entry of readEntries(dir)) {
    if (names.length >= maxNames) break;
    if (entry.name.startsWith(".")) continue;
    const path = prefix.concat(Path.utf8(entry.name));
    const is = entry.isSymbolicLink() ? statSync(join(dir, entry.name), { throwIfNoEntry: false }) : entry;
    if (is?.isFile()) names.push({ name: path, source: join(dir, entry.name), ageSeconds: 0, stale: false });
    else if (is?.isDirectory() && path.size < 32) listNames(join(dir, entry.name), path, names);
  }
  return names;
}

function readEntries(dir: string) {
  try {
    return readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    // Listed again at the next request; the watch reports what is wrong.
    return [];
  }
}
