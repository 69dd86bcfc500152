/** Loads the user's own plugins, named under the top-level key `plugins`: files, or npm packages by name. */
import { readFileSync } from "node:fs";
import { createRequire, findPackageJSON, registerHooks } from "node:module";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { PluginProblem } from "../config/load.ts";
import type { AnyPlugin, Slot } from "./contract.ts";

/** What loading the user's plugins came to. */
export interface UserPlugins {
  /** Absolute paths of those that loaded; other threads load these. */
  readonly files: readonly string[];
  readonly problems: readonly PluginProblem[];
}

/** Imports every plugin and adds its default export, one plugin or a list, to the registry. */
export async function loadUserPlugins(
  specs: readonly string[],
  baseDir: string,
  registry: { add(plugin: AnyPlugin): void },
): Promise<UserPlugins> {
  if (specs.length > 0) provideApi();
  const files: string[] = [];
  const problems: PluginProblem[] = [];
  for (const [index, spec] of specs.entries()) {
    try {
      const file = resolvePlugin(spec, baseDir);
      const module = (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
      for (const plugin of pluginsOf(module.default)) registry.add(plugin);
      files.push(file);
    } catch (cause) {
      problems.push({ index, message: `cannot load the plugin ${JSON.stringify(spec)}: ${reasonOf(cause)}` });
    }
  }
  return { files, problems };
}

let apiProvided = false;

/**
 * Lets plugins import `pointsman/plugin` wherever they stand, and always this daemon's own: with another copy's
 * classes, `instanceof` would fail.
 */
function provideApi(): void {
  if (apiProvided) return;
  apiProvided = true;
  const source = new URL("./api.ts", import.meta.url).href;
  // A build has JavaScript beside this file.
  const api = import.meta.url.endsWith(".ts") ? source : source.replace(/ts$/, "js");
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "pointsman/plugin" ? { url: api, shortCircuit: true } : next(specifier, context),
  });
}

/** The file of a plugin: paths are relative to `baseDir`, packages are looked up from there as `import` would. */
export function resolvePlugin(spec: string, baseDir: string): string {
  if (isAbsolute(spec) || /^\.{1,2}\//.test(spec) || /\.[cm]?[jt]s$/.test(spec))
    return resolve(baseDir, spec);
  const from = join(resolve(baseDir), "linkerd.yaml");
  try {
    return createRequire(from).resolve(spec);
  } catch (error) {
    const entry = importEntry(spec, from);
    if (entry === undefined) throw error;
    return entry;
  }
}

/** The entry of a package that is for `import` only, which `require` does not find. */
function importEntry(spec: string, from: string): string | undefined {
  const manifest = findPackageJSON(spec, pathToFileURL(from));
  if (manifest === undefined) return undefined;
  const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly exports?: unknown };
  const main = typeof exports === "object" && exports !== null && "." in exports ? exports["."] : exports;
  const entry = pickCondition(main);
  return entry === undefined ? undefined : join(dirname(manifest), entry);
}

function pickCondition(target: unknown): string | undefined {
  if (typeof target === "string") return target;
  if (typeof target !== "object" || target === null) return undefined;
  for (const [condition, next] of Object.entries(target)) {
    if (condition === "import" || condition === "node" || condition === "default") {
      const found = pickCondition(next);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

const slots: Readonly<Record<Slot, true>> = {
  namer: true,
  interpreter: true,
  transformer: true,
  telemeter: true,
  announcer: true,
  feed: true,
  identifier: true,
  balancer: true,
  classifier: true,
  accrual: true,
  labeler: true,
  propagator: true,
};

function pluginsOf(exported: unknown): readonly AnyPlugin[] {
  if (exported === undefined) throw new Error("it has no default export; export default definePlugin({ … })");
  const plugins: readonly unknown[] = Array.isArray(exported) ? exported : [exported];
  return plugins.map((plugin) => {
    const { slot, kind, schema, create } = (plugin ?? {}) as Partial<AnyPlugin>;
    if (typeof slot !== "string" || !Object.hasOwn(slots, slot)) {
      throw new Error(
        `its slot must be one of ${Object.keys(slots).join(", ")}, not ${JSON.stringify(slot)}`,
      );
    }
    if (typeof kind !== "string" || kind === "") throw new Error("its kind must be text");
    if (typeof schema !== "object" || schema === null) throw new Error(`the plugin ${kind} has no schema`);
    if (typeof create !== "function") throw new Error(`the plugin ${kind} has no function create`);
    return plugin as AnyPlugin;
  });
}

/** The first line is what matters; Node's list of the modules that required each other is not. */
const reasonOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!;
