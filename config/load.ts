/**
 * Text in, checked configuration out. `check` and start-up run the very same function, so that what passes one passes
 * the other.
 */
import { ConfigError, type Issue, type IssueCode } from "./errors.ts";
import type { Files } from "./format-checks.ts";
import type { KindLookup } from "./kinds.ts";
import { fileSchema, type LinkerdConfig } from "./schema.ts";
import { checkSemantics, type Partly } from "./semantics.ts";
import { type MapNode, type Place, parseSource, type Source, type SourceNode } from "./source.ts";
import type { Schema } from "./type.ts";
import { validate } from "./validate.ts";
import { warningsOf } from "./warnings.ts";

/** What could not be made of one of the user's plugins. */
export interface PluginProblem {
  /** Its place in the list that was asked for. */
  readonly index: number;
  readonly message: string;
}

/** What loading needs from outside. */
export interface LoadOptions {
  /**
   * Loads the user's plugins, then answers with every kind there is; those that the file names, and those that hold where
   * it names none, can be found.
   */
  kinds(
    plugins: readonly string[],
    named: readonly string[],
  ): Promise<{ readonly kinds: KindLookup; readonly problems: readonly PluginProblem[] }>;
  readonly files: Files;
  /** Most data workers where the file does not say; it starts with one then. */
  readonly workers: number;
}

/** What checking came to: the configuration is whole if there are no issues. */
export interface CheckResult {
  readonly config: LinkerdConfig | undefined;
  /** Everything that is wrong, in the order of the text. */
  readonly issues: readonly Issue[];
  /** What a good configuration says to no effect, in the order of the text. */
  readonly warnings: readonly Issue[];
  /** Where the value of a path stands, or of the nearest one above it that the text holds. */
  placeOf(path: string): Place;
  /** The paths of all values that the text holds. */
  readonly paths: readonly string[];
}

/** Checks a configuration from its text to the last conflict of ports. */
export async function checkConfig(text: string, options: LoadOptions): Promise<CheckResult> {
  const source = parseSource(text.replace(/^\uFEFF/, ""));
  const { root } = source;
  if (source.issues.length > 0) return refused(source, source.issues);
  if (root === undefined || (root.tag === "scalar" && root.text === "")) {
    return refused(source, [
      issue(source, "missing", 0, "the configuration is empty: it needs at least routers"),
    ]);
  }
  if (root.tag !== "map") {
    return refused(source, [
      issue(source, "invalid", root.at, "expected an object with routers, got something else"),
    ]);
  }
  if (isNamerd(root)) {
    const message =
      "this is a configuration of namerd (storage, interfaces), which is not built yet; a proxy's has routers";
    return refused(source, [issue(source, "not-built", root.at, message)]);
  }

  const specs = pluginSpecs(root);
  const { kinds, problems } = await options.kinds(
    specs.map((spec) => spec.text),
    [...namedKinds(root)],
  );
  const issues: Issue[] = problems.map(({ index, message }) =>
    issue(source, "plugin", specs[index]!.at, message, `plugins[${specs[index]!.index}]`),
  );
  const { files } = options;
  const checked = validate(root, fileSchema, {
    kinds,
    files,
    placeOf: source.placeOf,
    homes: homesOf(fileSchema),
  });
  issues.push(...checked.issues);
  const placeOf = (path: string): Place => source.placeOf(nearestOffset(checked.offsets, path));
  const report = (code: IssueCode, path: string, message: string): void => {
    issues.push({ code, path, message, ...placeOf(path) });
  };
  checkSemantics(checked.value as Partly<LinkerdConfig>, report);
  issues.sort((a, b) => a.line - b.line || a.col - b.col);
  const config = issues.length === 0 ? complete(checked.value as LinkerdConfig, options) : undefined;
  const paths = [...checked.offsets.keys()];
  const warnings = config === undefined ? [] : warningsOf(config, paths, placeOf);
  return { config, issues, warnings, placeOf, paths };
}

/** A checked configuration, or a `ConfigError` with everything that is wrong. */
export async function loadConfig(
  text: string,
  fileName: string,
  options: LoadOptions,
): Promise<LinkerdConfig> {
  const { config, issues } = await checkConfig(text, options);
  if (config === undefined) throw new ConfigError(fileName, issues);
  return config;
}

/** The values that depend on others or on the machine. */
function complete(config: LinkerdConfig, { workers }: LoadOptions): LinkerdConfig {
  return {
    ...config,
    workers: config.workers ?? workers,
    initialWorkers: config.workers ?? 1,
    routers: config.routers.map((router) => ({ ...router, label: router.label ?? router.protocol })),
  };
}

const issue = (source: Source, code: IssueCode, at: number, message: string, path = ""): Issue => ({
  code,
  path,
  message,
  ...source.placeOf(at),
});

const refused = (source: Source, issues: readonly Issue[]): CheckResult => ({
  config: undefined,
  issues,
  warnings: [],
  placeOf: () => source.placeOf(0),
  paths: [],
});

const isNamerd = ({ entries }: MapNode): boolean =>
  !entries.has("routers") && (entries.has("storage") || entries.has("interfaces"));

/** The elements of `plugins` that are texts; the schema complains about the rest. */
function pluginSpecs(
  root: MapNode,
): { readonly text: string; readonly at: number; readonly index: number }[] {
  const list = root.entries.get("plugins")?.value;
  return list?.tag === "list"
    ? list.items.flatMap((node, index) =>
        node.tag === "scalar" && node.text !== "" ? [{ text: node.text, at: node.at, index }] : [],
      )
    : [];
}

/** Every text under a key `kind`; which of them name plugins is the schema's matter. */
function* namedKinds(node: SourceNode): Generator<string> {
  if (node.tag === "list") for (const item of node.items) yield* namedKinds(item);
  if (node.tag !== "map") return;
  for (const [key, { value }] of node.entries) {
    if (key === "kind" && value.tag === "scalar") yield value.text;
    else yield* namedKinds(value);
  }
}

function nearestOffset(offsets: ReadonlyMap<string, number>, path: string): number {
  for (let rest = path; rest !== ""; rest = rest.replace(/(?:^|\.|\[)[^.[]*$/, "")) {
    const offset = offsets.get(rest);
    if (offset !== undefined) return offset;
  }
  return offsets.get("") ?? 0;
}

/** How a place of the schema is called in messages. */
const placeNames: Readonly<Record<string, string>> = {
  file: "the file's top level",
  router: "routers",
  server: "servers",
  client: "client",
  service: "service",
  admin: "admin",
  retries: "service.retries",
  budget: "budgets",
  bindingCache: "bindingCache",
  hostConnectionPool: "client.hostConnectionPool",
};

/** The places of every key of the schema that have a name. */
function homesOf(root: Schema): ReadonlyMap<string, readonly string[]> {
  const homes = new Map<string, Set<string>>();
  const visit = (schema: Schema): void => {
    const place = placeNames[String(schema["place"])];
    for (const [key, value] of Object.entries((schema["properties"] ?? {}) as Record<string, Schema>)) {
      if (place !== undefined) homes.set(key, (homes.get(key) ?? new Set()).add(place));
      visit(value);
    }
    for (const group of [schema["kinds"], schema["protocols"]]) {
      for (const value of Object.values((group ?? {}) as Record<string, Schema>)) visit(value);
    }
    if (typeof schema["items"] === "object") visit(schema["items"] as Schema);
  };
  visit(root);
  return new Map([...homes].map(([key, names]) => [key, [...names]]));
}
