/** The source tree as the architecture tests see it: files, and what each imports. */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** One import of a file. */
export interface Import {
  /** As written for packages and `node:`; the file relative to the root for one of ours. */
  readonly target: string;
  readonly kind: "ours" | "node" | "package";
  /** False for `import type`, which is gone at run time. */
  readonly value: boolean;
}

/** One source file; names are relative to the root, with `/`. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const folders = ["dtab", "config", "plugins", "namers", "daemon", "bench", "demo", "scripts", "test"];
const notOurs = ["test/conformance/{vectors,scenarios,hardness}/**"];

/** Every TypeScript file of the folders, tests included. */
export const sources: readonly SourceFile[] = globSync(`{${folders.join(",")}}/**/*.ts`, {
  cwd: root,
  exclude: notOurs,
})
  .map((name) => name.replaceAll(path.sep, "/"))
  .toSorted()
  .map((name) => {
    const text = readFileSync(path.join(root, name), "utf8");
    return { name, text, imports: importsOf(name, text) };
  });

/** The product: what is neither a test nor a tool. */
export const product: readonly SourceFile[] = sources.filter(({ name }) =>
  /^(dtab|config|plugins|namers|daemon)\//.test(name),
);

/** The text without the lines that are comments; one at the end of a line stays. */
export function code(text: string): string {
  return text.replaceAll(/^\s*(\/\/|\/\*|\*).*$/gm, "");
}

/** Reads the imports of a file's text. */
export function importsOf(name: string, text: string): Import[] {
  const found: Import[] = [];
  const bare = code(text);
  const statement = /^(?:import|export)\s+(type\s)?(?:[\w*{}\s,$]+?\s+from\s+)?"([^"]+)"/gm;
  for (const [, type, specifier = ""] of bare.matchAll(statement))
    found.push(resolve(name, specifier, type === undefined));
  for (const [, specifier = ""] of bare.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g))
    found.push(resolve(name, specifier, true));
  // A worker's file is loaded by its URL.
  for (const [, specifier = ""] of bare.matchAll(/new URL\(\s*"(\.[^"]+\.ts)",\s*import\.meta\.url\s*\)/g)) {
    found.push(resolve(name, specifier, true));
  }
  return found;
}

function resolve(from: string, specifier: string, value: boolean): Import {
  if (specifier.startsWith("node:")) return { target: specifier, kind: "node", value };
  if (!specifier.startsWith(".")) return { target: specifier, kind: "package", value };
  return { target: path.posix.join(path.posix.dirname(from), specifier), kind: "ours", value };
}
