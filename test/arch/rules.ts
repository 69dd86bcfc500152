/** Who may import whom: the table of the architecture as data, and the check of one import against it. */
import type { Import } from "./source-tree.ts";

interface Rule {
  /** The importers. */
  readonly from: RegExp;
  /** Files of ours that they may import, beside themselves. */
  readonly ours: RegExp;
  readonly packages: RegExp;
  readonly node: boolean;
}

const contracts = "plugins\\/(contract|errors)\\.ts";
const base = `dtab\\/|config\\/|${contracts}`;
const none = /^$/;

/** The first rule whose `from` fits counts; a product file without one is an error. */
export const rules: readonly Rule[] = [
  { from: /^dtab\//, ours: /^dtab\//, packages: none, node: false },
  { from: /^config\//, ours: /^(dtab|config)\//, packages: /^yaml$/, node: true },
  // The contract is one door: behind it lies a file per slot, which nothing else imports.
  {
    from: /^plugins\/contract(\.ts$|\/)/,
    ours: /^(dtab\/index\.ts|config\/type\.ts|plugins\/errors\.ts)$|^plugins\/contract\//,
    packages: none,
    node: false,
  },
  {
    from: /^plugins\/[^/]+\.ts$/,
    ours: /^(dtab\/|config\/|plugins\/[^/]+\.ts$)/,
    packages: none,
    node: true,
  },
  // One plugin never knows another: what they share is in plugins/lib/.
  { from: /^plugins\/\w+\//, ours: new RegExp(`^(${base}|plugins\\/lib\\/)`), packages: none, node: true },
  // What namers share with other plugins (watching files) is in plugins/lib/.
  {
    from: /^namers\//,
    ours: new RegExp(`^(${base}|plugins\\/lib\\/|namers\\/lib\\/)`),
    packages: none,
    node: true,
  },
  {
    from: /^daemon\/shared\//,
    ours: new RegExp(`^(${base}|daemon\\/shared\\/)`),
    packages: none,
    node: true,
  },
  // The lists of plugins are the only files of a plane that name them.
  { from: /^daemon\/data\/builtin\.ts$/, ours: /^(plugins|namers)\//, packages: none, node: false },
  { from: /^daemon\/control\/builtin\.ts$/, ours: /^(plugins|namers)\//, packages: none, node: false },
  {
    from: /^daemon\/data\//,
    ours: new RegExp(`^(${base}|plugins\\/(registry\\.ts|lib\\/)|daemon\\/(shared|data)\\/)`),
    packages: none,
    node: true,
  },
  {
    from: /^daemon\/control\//,
    ours: new RegExp(`^(${base}|plugins\\/((registry|prefix)\\.ts|lib\\/)|daemon\\/(shared|control)\\/)`),
    packages: /^(fastify|pino|@fastify\/.*)$/,
    node: true,
  },
  {
    from: /^daemon\/(cli\/|\w+\.ts$)/,
    ours: /^(dtab|config|plugins|namers|daemon)\//,
    packages: none,
    node: true,
  },
];

/** Why `importer` may not have this import, or undefined if it may. */
export function complaint(importer: string, { target, kind }: Import): string | undefined {
  const rule = rules.find(({ from }) => from.test(importer));
  if (rule === undefined) return `${importer} stands where no rule of test/arch/rules.ts covers it`;
  const allowed = kind === "node" ? rule.node : (kind === "package" ? rule.packages : rule.ours).test(target);
  if (allowed || (kind === "ours" && isSamePlugin(importer, target))) return undefined;
  return `${importer} may not import ${target}`;
}

/** A plugin or namer in a folder of its own: `namers/k8s/watch.ts` and `namers/k8s/namer.ts` are one. */
function isSamePlugin(importer: string, target: string): boolean {
  const own = /^(namers|plugins\/\w+)\/[\w-]+\//.exec(importer)?.[0];
  return own !== undefined && own !== "namers/lib/" && target.startsWith(own);
}

/** The cycles that an import graph holds, each as the files on it. */
export function cycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const state = new Map<string, "open" | "done">();
  const trail: string[] = [];
  function visit(file: string): void {
    const seen = state.get(file);
    if (seen === "open") found.push([...trail.slice(trail.indexOf(file)), file]);
    if (seen !== undefined) return;
    state.set(file, "open");
    trail.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    trail.pop();
    state.set(file, "done");
  }
  for (const file of graph.keys()) visit(file);
  return found;
}
