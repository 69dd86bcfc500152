/** Reads a configuration file with everything that checking it takes: the plugins, the disk, the number of cores. */
import { readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { type CheckResult, checkConfig } from "../../config/load.ts";
import type { Registry } from "../../plugins/registry.ts";
import { loadUserPlugins } from "../../plugins/user-plugins.ts";
import { builtinRegistry } from "../builtin.ts";

/** A file that was read and checked. */
export interface ReadConfig extends CheckResult {
  /** As messages call it. */
  readonly fileName: string;
  readonly text: string;
  /** Every plugin, the user's included. */
  readonly registry: Registry;
}

/** Where what a file says of routers stands, as `linkerd.yaml:8:5` by path: for the text of errors. */
export function routerPlaces({ fileName, paths, placeOf }: ReadConfig): Record<string, string> {
  const places: Record<string, string> = {};
  for (const path of paths) {
    if (!path.startsWith("routers[")) continue;
    const { line, col } = placeOf(path);
    places[path] = `${fileName}:${line}:${col}`;
  }
  return places;
}

/** Most workers that are started without being asked for. */
const maxDefaultWorkers = 4;

/** Reads `file`, or `text` in its stead; throws only if the file cannot be read. */
export async function readConfig(file: string, text = readFileSync(file, "utf8")): Promise<ReadConfig> {
  const registry = builtinRegistry();
  const baseDir = dirname(resolve(file));
  let files: readonly string[] = [];
  const { config, ...rest } = await checkConfig(text, {
    kinds: async (specs, named) => {
      const loaded = await loadUserPlugins(specs, baseDir, registry);
      files = loaded.files;
      await registry.load(named);
      return { kinds: registry, problems: loaded.problems };
    },
    files: { isFile: (path) => kindOf(path) === "file", isDirectory: (path) => kindOf(path) === "directory" },
    workers: Math.min(maxDefaultWorkers, availableParallelism()),
  });
  // Workers load the very files that were checked, wherever they run.
  const resolved = config === undefined ? undefined : { ...config, plugins: [...files] };
  return { fileName: file === "-" ? "<stdin>" : file, text, registry, config: resolved, ...rest };
}

function kindOf(path: string): "file" | "directory" | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? "file" : stats?.isDirectory() ? "directory" : undefined;
}
